/**
 * The layout of a home: where everything of one replica lies.
 *
 * Owns    the paths, the modes (directories 0700, files 0600), and the signs of the Go program's data.
 * Never   writes into data/: that is the running replica's, except for the lock (home-lock.ts).
 *
 *     config.toml  genesis.json (of a founder) or join.json (of one that joins later)
 *     tls/         ca.crt  replica.crt  replica.key
 *     priv/        key, state and import note of each chain; replica.json once this replica joined
 *     data/        wal/  watermark/  journal/  lock/  memberships.json  admin.sock
 */
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { MAX_SOCKET_PATH_BYTES } from './config/addresses.js';
import { CmkmsError } from './errors.js';

export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;

export interface HomePaths {
  readonly home: string;
  readonly config: string;
  readonly genesis: string;
  readonly join: string;
  readonly priv: string;
  /** Written once, when this replica joined its cluster; beside the keys, not in data/. */
  readonly replica: string;
  readonly data: string;
  readonly wal: string;
  readonly watermark: string;
  readonly journal: string;
  readonly lock: string;
  /** Who was a member when, as far as this replica saw: for its configuration alone. */
  readonly memberships: string;
  readonly adminSocket: string;
}

/** @param home absolute */
export function homePaths(home: string): HomePaths {
  const [priv, data] = [join(home, 'priv'), join(home, 'data')];
  return {
    home,
    config: join(home, 'config.toml'),
    genesis: join(home, 'genesis.json'),
    join: join(home, 'join.json'),
    priv,
    replica: join(priv, 'replica.json'),
    data,
    wal: join(data, 'wal'),
    watermark: join(data, 'watermark'),
    journal: join(data, 'journal'),
    lock: join(data, 'lock'),
    memberships: join(data, 'memberships.json'),
    adminSocket: join(data, 'admin.sock'),
  };
}

/** A path of the configuration: relative ones are relative to the home. */
export function within(home: string, path: string): string {
  return isAbsolute(path) ? path : join(home, path);
}

/** Creates what is missing of `path`, each part with mode 0700. */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
}

/**
 * Writes a file that must not exist yet, mode 0600, synced with its directory.
 * @throws CmkmsError EXISTS
 */
export async function writeNewFile(path: string, contents: string): Promise<void> {
  try {
    const file = await open(path, 'wx', FILE_MODE);
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CmkmsError('EXISTS', { path });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Without it a rename or a new name may not outlive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** True where there is nothing, or an empty directory. */
export async function isEmpty(path: string): Promise<boolean> {
  return (await entries(path)).length === 0;
}

async function entries(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/**
 * What can be said of a home without its configuration.
 * @throws CmkmsError HOME_MISSING, GO_DATA, SOCKET_PATH, NOT_WRITABLE
 */
export async function checkLayout(paths: HomePaths): Promise<void> {
  if (!(await exists(paths.home))) throw new CmkmsError('HOME_MISSING', { home: paths.home });
  await refuseGoData(paths);
  const bytes = Buffer.byteLength(paths.adminSocket);
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw new CmkmsError('SOCKET_PATH', {
      path: paths.adminSocket,
      bytes,
      what: 'the admin socket',
    });
  }
  for (const path of [paths.home, paths.priv, paths.data]) await refuseUnwritable(path);
}

/** The Go program keeps its log in data/<id>/. Beside it, one key would have two signers. */
async function refuseGoData(paths: HomePaths): Promise<void> {
  const names = await entries(paths.data);
  const candidates = ['', ...names].map((name) => join(paths.data, name, 'raft-log.bolt'));
  for (const path of [join(paths.home, 'raft-log.bolt'), ...candidates]) {
    if (await exists(path)) throw new CmkmsError('GO_DATA', { path });
  }
}

/** A directory that does not exist yet is judged by its parent, which is on the list too. */
async function refuseUnwritable(path: string): Promise<void> {
  try {
    if (!(await exists(path))) return;
    if (!(await stat(path)).isDirectory()) {
      throw new CmkmsError('NOT_WRITABLE', { path, detail: 'it is no directory' });
    }
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof CmkmsError) throw error;
    const detail = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CmkmsError('NOT_WRITABLE', { path, detail }, { cause: error });
  }
}
