/**
 * What the log needs of a file system, and the real one.
 *
 * Owns    the seam at which a simulated disk can stand: one flat directory, and exactly the calls whose
 *         order and syncing the log's promises depend on.
 * Never   retries, reorders, or hides a short write.
 * Rule    raft.md rules 48 to 50.
 * Proof   test/wal-disk.test.ts (real files); test/wal-crash.test.ts runs the log on a disk that loses
 *         everything that was not synced.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

export interface LogFile {
  /**
   * Writes at a position and resolves with how many bytes were taken, which may be fewer. In a file
   * opened `durable` they are on disk then; else only after `sync`.
   */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Contents and length. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** `replace`: made, or emptied. `keep`: made where it is missing. `existing`: else it fails. */
  readonly content: 'replace' | 'keep' | 'existing';
  readonly durable: boolean;
}

/** One directory. Names are without a path. Names made, changed or removed last only after `syncDirectory`. */
export interface LogFiles {
  /** For messages. */
  readonly path: string;
  /** Makes the directory where it is missing, durably. */
  makeDirectory(): Promise<void>;
  /** Empty where the directory is missing. */
  list(): Promise<readonly string[]>;
  /** null where there is no such file. */
  read(name: string): Promise<Buffer | null>;
  open(name: string, options: OpenOptions): Promise<LogFile>;
  /** Replaces what has that name. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  syncDirectory(): Promise<void>;
}

/** Absent on Windows, where a write is followed by a sync instead. */
const { O_CREAT, O_RDWR, O_TRUNC, O_DSYNC = 0 } = constants;

class DiskFile implements LogFile {
  constructor(
    private readonly handle: FileHandle,
    private readonly syncsEachWrite: boolean,
  ) {}

  async write(bytes: Uint8Array, position: number): Promise<number> {
    const { bytesWritten } = await this.handle.write(bytes, 0, bytes.length, position);
    if (this.syncsEachWrite) await this.handle.datasync();
    return bytesWritten;
  }

  async sync(): Promise<void> {
    await this.handle.sync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

async function ifThere<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function syncDirectoryAt(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The directory on a real disk. On macOS libuv syncs with F_FULLFSYNC; there it is for development. */
export function diskFiles(directory: string): LogFiles {
  const path = resolve(directory);
  return {
    path,
    async makeDirectory() {
      const first = await mkdir(path, { recursive: true, mode: 0o700 });
      if (first === undefined) return;
      // Each new directory is an entry of the one above it, which must be synced too (rule 50).
      for (let at = path; at.length >= first.length; at = dirname(at)) {
        await syncDirectoryAt(dirname(at));
      }
    },
    list: async () => (await ifThere(readdir(path))) ?? [],
    read: (name) => ifThere(readFile(join(path, name))),
    async open(name, { content, durable }) {
      const flags =
        (content === 'existing' ? 0 : O_CREAT) |
        (content === 'replace' ? O_TRUNC : 0) |
        (durable ? O_DSYNC : 0);
      const handle = await open(join(path, name), O_RDWR | flags, 0o600);
      return new DiskFile(handle, durable && O_DSYNC === 0);
    },
    rename: (from, to) => rename(join(path, from), join(path, to)),
    remove: (name) => rm(join(path, name)),
    syncDirectory: () => syncDirectoryAt(path),
  };
}
