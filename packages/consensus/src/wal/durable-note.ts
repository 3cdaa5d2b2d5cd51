/**
 * The durable note: how far acknowledged frames reach, told apart from the frames.
 *
 * Owns    one sector in a file of its own, written a moment after an acknowledgement and not waited for.
 * Never   permits anything: the log is believed without it. It can only refuse, where the frames end
 *         before what was acknowledged. So it is not synced (until a clean stop), and a damaged or
 *         missing note says nothing.
 * Proof   test/wal-names.test.ts (its bytes), test/wal-fuzz.test.ts (what it refuses).
 */
import { crc32 } from 'node:zlib';
import type { Clock } from '../clock.js';
import type { LogFile, LogFiles } from './files.js';
import { SECTOR_BYTES } from './frame.js';
import { NOTE_NAME, writeFully } from './segments.js';

const MAGIC = 0x434b4e54;

export function encodeNote(sequence: number): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  bytes.writeUInt32BE(MAGIC, 4);
  bytes.writeUIntBE(sequence, 8, 6);
  bytes.writeUInt32BE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** 0 where the note is missing or damaged. */
export function decodeNote(bytes: Buffer | null): number {
  if (bytes === null || bytes.length < SECTOR_BYTES) return 0;
  const sector = bytes.subarray(0, SECTOR_BYTES);
  const intact =
    sector.readUInt32BE(4) === MAGIC && sector.readUInt32BE(0) === crc32(sector.subarray(4));
  return intact ? sector.readUIntBE(8, 6) : 0;
}

/** What is acknowledged within this time is noted by one write: none is ever waited for. */
const NOTE_WITHIN_MS = 20;

/** Writes the newest sequence, soon. */
export class DurableNote {
  #latest = 0;
  #written = 0;
  #cancelTimer: (() => void) | null = null;
  #writing: Promise<void> | null = null;
  #latched = false;

  private constructor(
    private readonly file: LogFile,
    private readonly clock: Pick<Clock, 'after'>,
    private readonly failed: (error: unknown) => void,
  ) {}

  static async open(
    files: LogFiles,
    clock: Pick<Clock, 'after'>,
    failed: (error: unknown) => void,
  ): Promise<DurableNote> {
    const file = await files.open(NOTE_NAME, { content: 'keep', durable: false });
    return new DurableNote(file, clock, failed);
  }

  /** Returns at once. A write that fails is reported to `failed`: it is this disk too. */
  acknowledged(sequence: number): void {
    this.#latest = sequence;
    if (this.#writing !== null || this.#latched) return;
    this.#cancelTimer ??= this.clock.after(NOTE_WITHIN_MS, () => this.#begin());
  }

  /** The log has failed: nothing more is written here either. */
  latch(): void {
    this.#latched = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** After a clean stop everything acknowledged is known: any loss will be seen. */
  async close(sync: boolean): Promise<void> {
    await this.#writing;
    this.#begin();
    await this.#writing;
    if (sync) await this.file.sync();
    await this.file.close();
  }

  #begin(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#writing !== null || this.#latched || this.#latest === this.#written) return;
    this.#writing = this.#write().catch(this.failed);
  }

  async #write(): Promise<void> {
    const sequence = this.#latest;
    await writeFully(this.file, encodeNote(sequence), 0);
    this.#written = sequence;
    this.#writing = null;
    if (this.#latest !== sequence) this.acknowledged(this.#latest);
  }
}
