/**
 * The journal: what was asked, decided and released, for people who look back.
 *
 * Owns    `<home>/data/journal` (LevelDB), a bounded queue in front of it, and its retention.
 * Never   is waited for by a signature, throws into its caller, or stops the signer: nothing that was
 *         promised rests on it. A damaged one is moved aside and a new one begun; what cannot be written
 *         is counted.
 * Rule    docs/architecture.md, consensus 4: only what can be lost without harm lies in LevelDB.
 * Proof   test/journal-*.test.ts.
 */
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Level } from 'level';
import type { Log } from '../log/index.js';
import {
  decodeEntry,
  encodeEntry,
  entryKey,
  entryKeys,
  type JournalEntry,
  type JournalRange,
  numberOf,
  positionKey,
  rangeKeys,
  timeKey,
} from './entry.js';

export interface JournalOptions {
  readonly directory: string;
  readonly log: Log;
  /**
   * The oldest entries go when there are more. Default 500,000: at one vote every three seconds some 17
   * days, about 200 MB.
   */
  readonly maxEntries?: number;
  /** Entries that wait for the disk; the oldest are dropped beyond it. Default 10,000. */
  readonly maxQueued?: number;
  /** After an error, the next attempt. Default 30 s. */
  readonly retryMs?: number;
}

/** Entries of this time are written together: each write costs a thread's attention, which signatures need. */
const GATHER_MS = 100;
const batchEntries = 256;
const damagedCopiesKept = 2;

export class Journal {
  readonly #options: Required<JournalOptions>;
  #queue: { readonly entry: JournalEntry; readonly value: string }[] = [];
  #dropped = 0;
  #db: Level<string, string> | null = null;
  /** The numbers of the oldest entry and of the next one. */
  #first = 0;
  #next = 0;
  #opening: Promise<Level<string, string>> | null = null;
  /** Until the entries that came meanwhile are written. */
  #gathering: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #failing: { readonly lostBefore: number } | null = null;
  #closed = false;
  /** Why nothing is written at present: the room that is left is for the log. */
  #paused: string | null = null;

  constructor(options: JournalOptions) {
    this.#options = { maxEntries: 500_000, maxQueued: 10_000, retryMs: 30_000, ...options };
  }

  /** Returns at once; the first entry opens the journal. */
  append(entry: JournalEntry): void {
    if (this.#closed || this.#paused !== null) {
      this.#dropped++;
      return;
    }
    this.#queue.push({ entry, value: encodeEntry(entry) });
    if (this.#queue.length > this.#options.maxQueued) {
      this.#queue.shift();
      this.#dropped++;
    }
    this.#kick();
  }

  /**
   * Not to be written while this stands, and what comes meanwhile is lost: a journal that fills the disk would keep
   * the signer from starting again. @param reason in words; null: go on
   */
  pause(reason: string | null): void {
    if (reason !== null && this.#paused === null) {
      this.#fails(reason);
      this.#dropped += this.#queue.length;
      this.#queue = [];
    }
    this.#paused = reason;
  }

  /** Entries that were lost since the start. */
  dropped(): number {
    return this.#dropped;
  }

  /**
   * The entries of a range, oldest first; those that wait for another attempt are not among them.
   * @throws Error  the journal cannot be opened or read; only the reader's matter
   */
  async readRange(range: JournalRange, limit = 1000): Promise<JournalEntry[]> {
    // So that what was appended before is found.
    this.#writeNow();
    await this.#running;
    const db = this.#db ?? (await this.#opened());
    const keys = await db.keys({ ...rangeKeys(range), limit }).all();
    const values = await db.getMany(keys.map((key) => entryKey(numberOf(key))));
    return values.flatMap((value) => (value === undefined ? [] : [decodeEntry(value)]));
  }

  /** Writes what is queued, for at most `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#finish(), deadline]);
    clearTimeout(timer);
    this.#dropped += this.#queue.length;
    this.#queue = [];
  }

  async #finish(): Promise<void> {
    await this.#running;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    // What waited for the next attempt gets it now, once.
    this.#writeNow();
    await this.#running;
    const db = this.#db;
    this.#db = null;
    if (db !== null) await letGo(db);
  }

  #kick(): void {
    if (this.#running !== null || this.#retry !== null) return;
    this.#gathering ??= setTimeout(() => this.#writeNow(), GATHER_MS).unref();
  }

  #writeNow(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#running !== null || this.#retry !== null || this.#queue.length === 0) return;
    this.#running = this.#writeAll().finally(() => {
      this.#running = null;
    });
  }

  /** One writer at a time. Never rejects. */
  async #writeAll(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const db = this.#db ?? (await this.#opened());
        const batch = this.#queue.splice(0, batchEntries);
        try {
          await db.batch(batch.flatMap((item, place) => puts(item, this.#next + place)));
        } catch (error) {
          this.#dropped += batch.length;
          throw error;
        }
        this.#next += batch.length;
        await this.#trim(db);
        this.#succeeded();
      }
    } catch (error) {
      await this.#failed(error);
    }
  }

  /** A reader and the writer may both be first: the directory can be opened once only. */
  #opened(): Promise<Level<string, string>> {
    this.#opening ??= this.#openOrBeginAnew().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openOrBeginAnew(): Promise<Level<string, string>> {
    try {
      return await this.#open();
    } catch (error) {
      if (!isDamage(error)) throw error;
      await this.#moveAside(describe(error));
      return await this.#open();
    }
  }

  async #open(): Promise<Level<string, string>> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    // Small caches: it is written in order and hardly ever read.
    const db = new Level<string, string>(directory, {
      cacheSize: 1 << 20,
      writeBufferSize: 1 << 20,
    });
    await db.open();
    try {
      const [oldest] = await db.keys({ ...entryKeys, limit: 1 }).all();
      const [newest] = await db.keys({ ...entryKeys, limit: 1, reverse: true }).all();
      this.#first = oldest === undefined ? 0 : numberOf(oldest);
      this.#next = newest === undefined ? this.#first : numberOf(newest) + 1;
    } catch (error) {
      await letGo(db);
      throw error;
    }
    this.#db = db;
    return db;
  }

  /** Keeps it for whoever wants to know why, but never more than a few: a disk is finite. */
  async #moveAside(detail: string): Promise<void> {
    const { directory, log } = this.#options;
    const [parent, prefix] = [dirname(directory), `${basename(directory)}.damaged-`];
    const to = join(parent, `${prefix}${new Date().toISOString().replaceAll(':', '')}`);
    await rename(directory, to);
    log('journal_moved_aside', { to, detail });
    const copies = (await readdir(parent)).filter((name) => name.startsWith(prefix)).sort();
    for (const name of copies.slice(0, -damagedCopiesKept)) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }

  async #tryMoveAside(detail: string): Promise<void> {
    try {
      await this.#moveAside(detail);
    } catch {
      return; // It lies where it was: the next attempt meets the same damage and tries again.
    }
  }

  async #trim(db: Level<string, string>): Promise<void> {
    while (this.#next - this.#first > this.#options.maxEntries) {
      const oldest = await db
        .iterator({
          ...entryKeys,
          limit: batchEntries,
          lt: entryKey(this.#next - this.#options.maxEntries),
        })
        .all();
      const last = oldest.at(-1);
      if (last === undefined) return;
      await db.batch(
        oldest.flatMap(([key, value]) => deletions(decodeEntry(value), numberOf(key))),
      );
      this.#first = numberOf(last[0]) + 1;
    }
  }

  #succeeded(): void {
    if (this.#failing === null) return;
    this.#options.log('journal_back', { lost: this.#dropped - this.#failing.lostBefore });
    this.#failing = null;
  }

  #fails(detail: string): void {
    if (this.#failing !== null) return;
    this.#failing = { lostBefore: this.#dropped };
    this.#options.log('journal_failed', { detail });
  }

  async #failed(error: unknown): Promise<void> {
    this.#fails(describe(error));
    // LevelDB takes no more writes after one failed: only a new open helps.
    const db = this.#db;
    this.#db = null;
    if (db !== null) await letGo(db);
    // Damage that opening did not find.
    if (db !== null && isDamage(error)) await this.#tryMoveAside(describe(error));
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#kick();
    }, this.#options.retryMs);
    this.#retry.unref();
  }
}

async function letGo(db: Level<string, string>): Promise<void> {
  try {
    await db.close();
  } catch {
    return; // Whatever a close reports, the next open reads the files for itself.
  }
}

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string };

function puts(item: { entry: JournalEntry; value: string }, number: number): Operation[] {
  return [
    { type: 'put', key: entryKey(number), value: item.value },
    { type: 'put', key: timeKey(item.entry.at, number), value: '' },
    { type: 'put', key: positionKey(item.entry, number), value: '' },
  ];
}

function deletions(entry: JournalEntry, number: number): Operation[] {
  return [entryKey(number), timeKey(entry.at, number), positionKey(entry, number)].map((key) => ({
    type: 'del',
    key,
  }));
}

/**
 * Whether a new journal would help. Locked (another process reads it), a full disk or a missing permission
 * are not damage, and moving the journal aside would lose it for nothing.
 */
function isDamage(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return false;
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'LEVEL_CORRUPTION' || code === 'EEXIST' || code === 'ENOTDIR') return true;
  return (
    cause instanceof SyntaxError ||
    (code === 'LEVEL_IO_ERROR' && /No such file|Not a directory|Is a directory/.test(cause.message))
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
