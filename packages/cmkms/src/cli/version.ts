/**
 * `cmkms version`.
 *
 * Owns    where the version is read: package.json, so that it stands once.
 * Never   asks the network.
 */
import { readFileSync } from 'node:fs';
import { knownRules } from '@cometkms/sign-state';

export interface Version {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** Versions of the state machine's rules that this program can apply: all from the first to the second. */
  readonly rules: { readonly oldest: number; readonly newest: number };
}

export function version(): Version {
  const url = new URL('../../../package.json', import.meta.url);
  const said = JSON.parse(readFileSync(url, 'utf8')) as { readonly version: string };
  return {
    version: said.version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    rules: knownRules,
  };
}

/** Which versions of the rules a program can apply: `1`, or `1-2`. */
export function rulesText({ oldest, newest }: Version['rules']): string {
  return oldest === newest ? `${newest}` : `${oldest}-${newest}`;
}
