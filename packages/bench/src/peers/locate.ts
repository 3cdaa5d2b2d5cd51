/**
 * Where a peer lies in the directory that --peers names.
 *
 * Owns    the names that are looked for, and which of them comes first.
 * Never   builds or runs what it found.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Peer } from './peer.js';

export interface Located {
  readonly kind: 'program' | 'source' | 'archive';
  readonly path: string;
}

/** A program before sources, sources before an archive of them. @returns null where none of them is there */
export function locate(directory: string, { program, origin }: Peer): Located | null {
  // From the root on: a bare name would be looked for on the path.
  const programPath = resolve(directory, program);
  if (isProgram(programPath)) return { kind: 'program', path: programPath };
  if (origin.kind === 'crate') return null;
  const path = resolve(directory, origin.source);
  if (existsSync(resolve(path, 'go.mod'))) return { kind: 'source', path };
  const archive = `${path}.tar.gz`;
  return existsSync(archive) ? { kind: 'archive', path: archive } : null;
}

/** What `locate` looks for, in a sentence. */
export function names({ program, origin }: Peer): string {
  if (origin.kind === 'crate') return `a program ${program}`;
  const { source } = origin;
  return `a program ${program}, its sources in ${source}/, or ${source}.tar.gz`;
}

/** Sources may lie in a directory of the same name. */
function isProgram(path: string): boolean {
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not executable: not what was meant.
    return false;
  }
}
