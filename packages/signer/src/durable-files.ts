/**
 * What the small files that must last need of a file system, and the real one.
 *
 * Owns    the seam at which a simulated disk can stand: exactly the calls whose order and syncing the watermark and
 *         `replaceFile` depend on. Paths are whole ones, of files in directories that are there.
 * Never   retries, reorders, or hides a short write.
 * Proof   conformance/durable-files.ts runs on each implementation.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { invariant } from '@cometkms/invariant';
import { type PlainFile, readPlainFile } from './plain-file.js';

export interface DurableFile {
  /**
   * Writes at a position and resolves with how many bytes were taken, which may be fewer. In a file that `open` gave
   * they are on the disk then; in one that `create` gave only after `sync`.
   */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Contents and length. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Names that were made, changed or removed last only after `syncDirectory`. */
export interface DurableFiles {
  /**
   * @returns null if there is no such file
   * @throws SignerError SIGNER_FILE_KIND  it is a link, a pipe, a directory, or larger than 64 KiB
   * @throws SignerError SIGNER_FILE_FAILED  it cannot be opened or read
   */
  read(path: string): Promise<PlainFile | null>;
  /** An empty file of mode 0600. Fails with `EEXIST` where anything, a link included, has that name. */
  create(path: string): Promise<DurableFile>;
  /** For writes that are synced each, in a file that exists. Fails with `ENOENT`, and at a link. */
  open(path: string): Promise<DurableFile>;
  /** A name in the same directory that nothing else has. */
  temporaryName(path: string): string;
  /** Within one directory. Replaces what has that name; never follows a link there. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** @param path of a file in it */
  syncDirectoryOf(path: string): Promise<void>;
}

class SystemFile implements DurableFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.write(bytes, 0, bytes.length, position)).bytesWritten;
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function createFile(path: string): Promise<DurableFile> {
  // O_EXCL: never write into a file, or through a link, that somebody put there.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const handle = await open(path, flags, 0o600);
  try {
    await handle.chmod(0o600);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return new SystemFile(handle);
}

async function openFile(path: string): Promise<DurableFile> {
  // A platform without the flag would give us an unsynced write that looks like a synced one.
  invariant(constants.O_DSYNC > 0, 'the platform knows O_DSYNC');
  // O_DSYNC: the write returns when the bytes are on the disk, one call instead of two.
  const flags = constants.O_RDWR | constants.O_DSYNC | constants.O_NOFOLLOW;
  return new SystemFile(await open(path, flags));
}

async function syncDirectoryOf(path: string): Promise<void> {
  const handle = await open(dirname(path), constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const systemFiles: DurableFiles = {
  read: readPlainFile,
  create: createFile,
  open: openFile,
  temporaryName: (path) =>
    join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`),
  rename,
  remove: unlink,
  syncDirectoryOf,
};
