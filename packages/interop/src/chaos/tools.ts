/**
 * What this machine can do to replicas: which tools are here, and what their lack leaves out.
 *
 * Owns    the list of tools, how each is found, and the words about one that is missing.
 * Never   installs anything.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** In the order in which they are listed to a person. */
export const tools = {
  namespaces: 'root, ip (iproute2), nsenter and setpriv (util-linux)',
  nftables: 'root and nft (nftables)',
  tmpfs: 'root and mount',
  preload: 'Linux and a C compiler (cc)',
  faketime: 'libfaketime (libfaketime)',
} as const;

export type Tool = keyof typeof tools;

export interface Survey {
  readonly found: ReadonlySet<Tool>;
  readonly missing: readonly Tool[];
}

export function survey(): Survey {
  const root = process.getuid?.() === 0 && process.platform === 'linux';
  const namespaces = root && ['ip', 'nsenter', 'setpriv'].every(onPath) && canMakeNamespaces();
  const present: Readonly<Record<Tool, boolean>> = {
    namespaces,
    nftables: namespaces && onPath('nft'),
    tmpfs: root && onPath('mount'),
    preload: process.platform === 'linux' && onPath('cc'),
    faketime: faketimeLibrary() !== null,
  };
  const all = Object.keys(tools) as Tool[];
  return {
    found: new Set(all.filter((tool) => present[tool])),
    missing: all.filter((tool) => !present[tool]),
  };
}

/** The build for programs with threads, as Node is one. */
export function faketimeLibrary(): string | null {
  const roots = ['/usr/lib', '/usr/local/lib'].filter((path) => existsSync(path));
  const below = roots.flatMap((path) => [
    path,
    ...readdirSync(path).map((name) => join(path, name)),
  ]);
  const paths = below.map((path) => join(path, 'faketime', 'libfaketimeMT.so.1'));
  return paths.find((path) => existsSync(path)) ?? null;
}

function onPath(command: string): boolean {
  const directories = (process.env['PATH'] ?? '').split(':');
  return directories.some((directory) => existsSync(join(directory, command)));
}

/** Root in a container may lack the right. */
function canMakeNamespaces(): boolean {
  return spawnSync('unshare', ['--net', 'true']).status === 0;
}
