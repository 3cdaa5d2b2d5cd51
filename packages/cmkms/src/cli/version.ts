/**
 * `cmkms version`.
 *
 * Owns    where the version is read: package.json, so that it stands once.
 * Never   asks the network.
 */
import { readFileSync } from 'node:fs';

export interface Version {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
}

export function version(): Version {
  const url = new URL('../../../package.json', import.meta.url);
  const said = JSON.parse(readFileSync(url, 'utf8')) as { readonly version: string };
  return {
    version: said.version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
}
