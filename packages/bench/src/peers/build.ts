/**
 * Programs of peers, built where they did not come as such.
 *
 * Owns    dist/peers, where what was built stays for later runs; what a peer would have needed where it is not there.
 * Never   writes into the directory of --peers, or asks a registry while that option is not given.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goVersion, run } from '@cometkms/interop';
import { type Located, locate, names } from './locate.js';
import type { Crate, GoSource, Peer } from './peer.js';

const built = fileURLToPath(new URL('../../peers', import.meta.url));

/** Why a peer takes no part; the message says what it would have needed. */
export class NotThere extends Error {}

/**
 * @param directory  of --peers; it may be read-only
 * @returns the path of the peer's program, built now where neither it nor what an earlier run built is there
 * @throws NotThere
 */
export async function programOf(
  peer: Peer,
  directory: string,
  say: (line: string) => void,
): Promise<string> {
  const located = locate(directory, peer);
  if (located?.kind === 'program') return located.path;
  if (peer.origin.kind === 'crate') return installed(peer, peer.origin, say);
  if (located === null) throw new NotThere(`needs ${names(peer)}, in the directory of --peers`);
  return compiled(peer, peer.origin, located, say);
}

async function compiled(
  { name, program }: Peer,
  origin: GoSource,
  { kind, path }: Located,
  say: (line: string) => void,
): Promise<string> {
  // An archive that changes is another one; of a directory, go itself knows what changed.
  const target = join(built, kind === 'archive' ? `${program}-${digest(path)}` : program);
  if (kind === 'archive' && existsSync(target)) return target;
  if (goVersion() === null) {
    throw new NotThere(`needs go on the path, to be built from ${basename(path)}`);
  }
  say(`${name}: building from ${basename(path)}; the first time takes minutes`);
  mkdirSync(built, { recursive: true });
  const scratch = mkdtempSync(join(built, 'building-'));
  try {
    const source = kind === 'archive' ? await unpacked(path, join(scratch, 'sources')) : path;
    // Not among the sources: where a directory has the program's name, go would put the program into it.
    const out = join(scratch, program);
    // Sources may lie in a repository that is not theirs, or that git does not want to look at.
    const args = ['build', '-C', source, '-buildvcs=false', '-o', out, origin.main];
    await run('go', args, { env: origin.env ?? {} });
    // In one step: a run beside this one never meets half a program.
    await rename(out, target);
    return target;
  } catch (cause) {
    say(`${name}: ${words(cause)}`);
    throw new NotThere(`does not build from ${basename(path)}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @returns the directory in it that holds go.mod: itself, or the only one that the archive was made of */
async function unpacked(archive: string, into: string): Promise<string> {
  mkdirSync(into);
  await run('tar', ['-xzf', archive, '-C', into]);
  const places = [into, ...readdirSync(into).map((name) => join(into, name))];
  const source = places.find((place) => existsSync(join(place, 'go.mod')));
  if (source === undefined) throw new Error('it holds no go.mod, on top or one directory below');
  return source;
}

async function installed(
  peer: Peer,
  { crate, version, features }: Crate,
  say: (line: string) => void,
): Promise<string> {
  const root = join(built, `${crate}-${version}`);
  const path = join(root, 'bin', peer.program);
  if (existsSync(path)) return path;
  if (spawnSync('cargo', ['--version']).status !== 0) {
    throw new NotThere(`needs ${names(peer)} in the directory of --peers, or cargo on the path`);
  }
  const install = ['install', crate, '--version', version, '--features', features];
  say(`${peer.name}: cargo ${install.join(' ')}; this takes minutes, once`);
  try {
    await run('cargo', [...install, '--root', root]);
    return path;
  } catch (cause) {
    say(`${peer.name}: ${words(cause)}`);
    throw new NotThere(`cargo does not install ${crate} ${version}`);
  }
}

const digest = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);

/** The last lines of a compiler are for whoever watches: they name paths, and go into no report. */
const words = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause))
    .trimEnd()
    .split('\n')
    .slice(-8)
    .join('\n');
