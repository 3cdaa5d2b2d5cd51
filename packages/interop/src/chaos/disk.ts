/**
 * Disks that fail: errors, torn writes and slow syncs by a preloaded library, and a small disk that is really full.
 *
 * Owns    compiling the library, the page by which a replica's disk is told what to do, and the small disk.
 * Never   acts on a file outside the home of one replica.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../processes.js';

const source = fileURLToPath(new URL('../../../native/disk-faults.c', import.meta.url));

const calls = { write: 1, sync: 2 } as const;
const WORDS = 5;
const WORD_BYTES = 4;

export interface DiskOrder {
  readonly call: keyof typeof calls;
  /** Null: it succeeds, late. */
  readonly error: 'EIO' | 'ENOSPC' | null;
  readonly delayMs?: number;
  /** Half of what was to be written reaches the file. */
  readonly torn?: boolean;
}

/** @returns the path of the library */
export async function compileDiskFaults(directory: string): Promise<string> {
  const library = join(directory, 'disk-faults.so');
  await run('cc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  return library;
}

export class FaultyDisk {
  readonly #page: string;
  readonly #home: string;

  /** @param page a new file; @param home of the replica, absolute and resolved */
  constructor(page: string, home: string) {
    this.#page = page;
    this.#home = home;
    writeFileSync(page, new Uint8Array(WORDS * WORD_BYTES));
  }

  get environment(): Readonly<Record<string, string>> {
    // The library sees calls, not what is queued past them.
    return {
      CMKMS_CHAOS_PAGE: this.#page,
      CMKMS_CHAOS_DISK: this.#home,
      UV_USE_IO_URING: '0',
    };
  }

  /** From the next call on, until `heal`. */
  fail({ call, error, delayMs = 0, torn = false }: DiskOrder): void {
    const number = error === null ? 0 : constants.errno[error];
    this.#write([calls[call], number, delayMs, torn ? 1 : 0]);
  }

  heal(): void {
    this.#write([0, 0, 0, 0]);
  }

  /** How many calls were failed or delayed so far. */
  get bites(): number {
    const page = Buffer.alloc(WORDS * WORD_BYTES);
    const file = openSync(this.#page, 'r');
    readSync(file, page, 0, page.length, 0);
    closeSync(file);
    return new Uint32Array(page.buffer, page.byteOffset, WORDS)[WORDS - 1] ?? 0;
  }

  /** Into the file as it lies, for it is mapped. The counter is the library's. */
  #write(words: readonly number[]): void {
    const file = openSync(this.#page, 'r+');
    writeSync(
      file,
      new Uint8Array(Uint32Array.from(words).buffer),
      0,
      words.length * WORD_BYTES,
      0,
    );
    closeSync(file);
  }
}

/** A file system of its own under `path`, so small that it can be filled. */
export class SmallDisk {
  readonly #path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.#path = path;
    this.#ballast = join(path, 'ballast');
  }

  static async mount(path: string, megabytes: number): Promise<SmallDisk> {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const options = `size=${megabytes}m,mode=700`;
    await run('mount', ['-t', 'tmpfs', '-o', options, 'cmkms-chaos', path]);
    return new SmallDisk(path);
  }

  get path(): string {
    return this.#path;
  }

  /** To the last byte. */
  fill(): void {
    const file = openSync(this.#ballast, 'a', 0o600);
    try {
      for (let bytes = 1 << 20; bytes > 0; ) {
        try {
          const written = writeSync(file, new Uint8Array(bytes));
          if (written < bytes) bytes = bytes >> 1;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          bytes = bytes >> 1;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }
}
