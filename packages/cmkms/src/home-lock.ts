/**
 * One process per home.
 *
 * Owns    the lock on data/lock: LevelDB's own, which the kernel drops with the process, however it ends.
 * Never   trusts a process id in a file: holder.json is for the message alone.
 * Proof   test/home-lock.test.ts (two processes, one killed with -9)
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { CmkmsError } from './errors.js';
import { FILE_MODE, type HomePaths, makeDirectory } from './home.js';

export interface HomeLock {
  release(): Promise<void>;
}

/**
 * Taken before anything in data/ is read, and held until the process ends.
 * @throws CmkmsError HOME_LOCKED, LOCK_DAMAGED, DISK_FULL, DISK_FAILED, NOT_WRITABLE; the kernel's own of a
 *   directory or of holder.json, for which cli/failure.ts has the words
 */
export async function lockHome(paths: HomePaths, command: string): Promise<HomeLock> {
  await makeDirectory(paths.data);
  await makeDirectory(paths.lock);
  const holder = join(paths.lock, 'holder.json');
  const database = new Level<string, string>(paths.lock);
  try {
    await database.open();
  } catch (error) {
    throw await explained(error, paths, holder);
  }
  const note = { pid: process.pid, command, since: new Date().toISOString() };
  try {
    await writeFile(holder, JSON.stringify(note), { mode: FILE_MODE });
  } catch (error) {
    await database.close();
    throw error;
  }
  return { release: () => database.close() };
}

async function explained(error: unknown, paths: HomePaths, holder: string): Promise<unknown> {
  const cause = (error as { readonly cause?: NodeJS.ErrnoException }).cause;
  if (cause?.code === 'LEVEL_LOCKED') {
    const facts = { home: paths.home, holder: await describeHolder(holder) };
    return new CmkmsError('HOME_LOCKED', facts, { cause: error });
  }
  if (cause?.code !== 'LEVEL_IO_ERROR' && cause?.code !== 'LEVEL_CORRUPTION') return error;
  const [detail, options] = [cause.message, { cause: error }];
  // Not mended here: who removes the file that is locked lets two in.
  if (cause.code === 'LEVEL_CORRUPTION' || /No such file/i.test(detail))
    return new CmkmsError('LOCK_DAMAGED', { path: paths.lock, detail }, options);
  // LevelDB hands on the kernel's answer as text.
  if (/No space left|quota exceeded/i.test(detail))
    return new CmkmsError('DISK_FULL', { detail }, options);
  if (/Input\/output error/i.test(detail))
    return new CmkmsError('DISK_FAILED', { detail }, options);
  return new CmkmsError('NOT_WRITABLE', { path: paths.lock, detail }, options);
}

async function describeHolder(path: string): Promise<string> {
  try {
    const note = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    return `process ${String(note['pid'])} (${String(note['command'])}, since ${String(note['since'])})`;
  } catch {
    return 'another process';
  }
}
