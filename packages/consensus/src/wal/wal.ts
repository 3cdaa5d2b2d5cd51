/**
 * The write-ahead log: `LogStorage` on segment files.
 *
 * Owns    the order of its writes, the single write in flight, and the latch that ends it.
 * Never   retries, or continues after an error: what a failed sync has left on the disk is unknown
 *         (raft.md rule 48).
 * Rule    The three orders at the head of recovery.ts are kept here.
 * Proof   conformance/storage.ts, test/wal-crash.test.ts (power lost after each single step),
 *         test/wal-disk.test.ts (kill -9), test/wal-failure.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import { type Clock, systemClock } from '../clock.js';
import { ConsensusError } from '../errors.js';
import { encodeBatches } from '../log-codec.js';
import type { LogBatch, LogStorage, RecoveredStorage } from '../storage.js';
import { DurableNote, decodeNote } from './durable-note.js';
import type { LogFiles } from './files.js';
import { BLOCK_BYTES, encodeFrame, NO_HASH, SECTOR_BYTES, sectorsOf } from './frame.js';
import { applyBatch, batchesOf, copyOf, emptyState, type LogState } from './log-state.js';
import { type Position, type Recovered, recover } from './recovery.js';
import { FIRST_FRAME_AT, type SegmentBytes } from './scan.js';
import { createSegment, NOTE_NAME, readName, type Segment, writeFully } from './segments.js';

export interface WalOptions {
  /** A multiple of 4096, at least 12288. A state that would fill more than half of one gets a larger one. */
  readonly segmentBytes: number;
}

/** A thousand frames. A start reads all that stands here, and the next segment is filled beside the signing. */
export const DEFAULT_WAL_OPTIONS: WalOptions = { segmentBytes: 4 * 1024 * 1024 };

/** A log that rests has no newer one: without this, one slow sync would count for as long as nobody asks. */
const SYNC_TELLS_MS = 60_000;

interface Contents {
  readonly segments: readonly SegmentBytes[];
  readonly unfinished: readonly string[];
  readonly noted: number;
}

export class WriteAheadLog implements LogStorage {
  #phase: 'new' | 'opening' | 'open' | 'closed' = 'new';
  #failure: ConsensusError | null = null;
  #appending: Promise<void> | null = null;

  /** What would be read back, once the append in flight is durable. */
  #state: LogState = emptyState();
  #sequence = 0;
  #hash: Buffer = NO_HASH;

  /** null: not founded. */
  #current: Segment | null = null;
  /** Where the next frame goes in it. */
  #offset = 0;
  /** The blank segment that comes next: being made in the background, or there. */
  #spare: Promise<Segment> | null = null;
  #note: DurableNote | null = null;
  readonly #sizes = new Map<string, number>();
  #lastSync = { ms: 0, endedAt: Number.NEGATIVE_INFINITY };

  constructor(
    private readonly files: LogFiles,
    private readonly options: WalOptions = DEFAULT_WAL_OPTIONS,
    private readonly clock: Pick<Clock, 'nowMs' | 'after'> = systemClock,
  ) {
    const { segmentBytes } = options;
    invariant(
      segmentBytes % BLOCK_BYTES === 0 && segmentBytes >= 3 * BLOCK_BYTES,
      'a segment is whole blocks: a head and room for two frames',
      { segmentBytes },
    );
  }

  async open(): Promise<RecoveredStorage> {
    invariant(this.#phase === 'new', 'a log is opened once, first', { path: this.files.path });
    this.#phase = 'opening';
    const contents = await this.#read();
    const recovered = recover(contents.segments, contents.noted, this.files.path);
    await this.#dying(() => this.#settle(contents, recovered));
    this.#phase = 'open';
    const { genesis, hard, snapshot, entries, boot, marks } = recovered.state;
    const cutBytes = recovered.cut === null ? 0 : recovered.cut.to - recovered.cut.from;
    // Arrays of their own: the log goes on changing its state.
    return {
      ...{ genesis, hard, snapshot, boot, cutBytes },
      ...{ entries: [...entries], marks: [...marks.values()] },
    };
  }

  async append(batches: readonly LogBatch[]): Promise<void> {
    invariant(this.#phase === 'open', 'a log is appended to while it is open', {});
    invariant(this.#appending === null, 'one write is in flight', { sequence: this.#sequence + 1 });
    invariant(batches.length > 0, 'an append has something to say');
    // Latched for ever: the caller ends the process (rule 48).
    if (this.#failure !== null) throw this.#failure;
    // Encoded and copied before anything is awaited: the caller's bytes may change after that.
    const payload = encodeBatches(batches);
    for (const batch of batches) {
      const broken = applyBatch(this.#state, copyOf(batch));
      invariant(broken === null, broken ?? '', { sequence: this.#sequence + 1 });
    }
    this.#appending = this.#dying(() => this.#write(payload));
    try {
      await this.#appending;
    } finally {
      this.#appending = null;
    }
  }

  stats(): { readonly bytes: number; readonly lastSyncMs: number } {
    const bytes = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    const { ms, endedAt } = this.#lastSync;
    return { bytes, lastSyncMs: this.clock.nowMs() - endedAt < SYNC_TELLS_MS ? ms : 0 };
  }

  async close(): Promise<void> {
    if (this.#phase !== 'open') return;
    this.#phase = 'closed';
    // Their failures are latched, and were reported to whoever waited for them.
    const [, spare] = await Promise.allSettled([this.#appending, this.#spare]);
    await this.#dying(async () => {
      await this.#note?.close(this.#failure === null);
      if (this.#note !== null && this.#failure === null) await this.files.syncDirectory();
      await this.#current?.file.close();
      if (spare.status === 'fulfilled') await spare.value?.file.close();
    });
  }

  // ------------------------------------------------------------------------------ opening

  async #read(): Promise<Contents> {
    const { files } = this;
    const unreadable = (detail: string, cause?: unknown): ConsensusError =>
      new ConsensusError('CONSENSUS_LOG_UNREADABLE', { path: files.path, detail }, { cause });
    try {
      const segments: SegmentBytes[] = [];
      const unfinished: string[] = [];
      for (const name of await files.list()) {
        const named = readName(name);
        if (named.kind === 'suspect') throw unreadable(`${name} looks like a segment and is none`);
        if (named.kind === 'unfinished') unfinished.push(name);
        if (named.kind !== 'segment') continue;
        const bytes = await files.read(name);
        if (bytes === null) throw unreadable(`${name} went away while it was read`);
        segments.push({ name, number: named.number, bytes });
      }
      return { segments, unfinished, noted: decodeNote(await files.read(NOTE_NAME)) };
    } catch (error) {
      throw error instanceof ConsensusError ? error : unreadable(String(error), error);
    }
  }

  /** Makes the disk be what recovery believes, before anybody else does. */
  async #settle(contents: Contents, { state, end, cut }: Recovered): Promise<void> {
    const { files } = this;
    if (cut !== null) await this.#blank(cut.name, cut.from, cut.to);
    this.#state = state;
    const kept = contents.segments.filter(({ number }) => number >= (end?.segment ?? 1));
    for (const { number, name, bytes } of kept) {
      const file = await files.open(name, { content: 'existing', durable: true });
      const segment = { number, name, sizeBytes: bytes.length, file };
      this.#sizes.set(name, bytes.length);
      if (number === end?.segment) await this.#resume(segment, bytes, end);
      else this.#spare = Promise.resolve(segment);
      // After a kill, what was read may stand in the page cache alone.
      await file.sync();
    }
    const rubbish = contents.segments.filter((segment) => !kept.includes(segment));
    for (const name of [...rubbish.map((segment) => segment.name), ...contents.unfinished]) {
      await files.remove(name);
    }
    if (contents.segments.length + contents.unfinished.length > 0) await files.syncDirectory();
    if (this.#current === null) return;
    this.#note = await DurableNote.open(files, this.clock, this.#failed);
    this.#note.acknowledged(this.#sequence);
    if (this.#spare === null) {
      const { number, sizeBytes } = this.#current;
      this.#prepareSpare(number + 1, sizeBytes, null);
    }
  }

  async #resume(segment: Segment, bytes: Buffer, end: Position): Promise<void> {
    this.#current = segment;
    this.#offset = end.offset;
    this.#sequence = end.sequence;
    this.#hash = end.hash;
    // The last frame may be one whose write failed: the kernel then keeps it in memory, marked clean,
    // and a sync alone would say nothing (rule 48). The same bytes once more are on disk, or fail.
    const last = bytes.subarray(end.lastFrameAt, end.offset);
    await writeFully(segment.file, last, end.lastFrameAt);
  }

  async #blank(name: string, from: number, to: number): Promise<void> {
    const file = await this.files.open(name, { content: 'existing', durable: true });
    await writeFully(file, Buffer.alloc(to - from), from);
    await file.sync();
    await file.close();
  }

  // ---------------------------------------------------------------------------- appending

  async #write(payload: Uint8Array): Promise<void> {
    const room = this.#current === null ? 0 : this.#current.sizeBytes - this.#offset;
    if (this.#current !== null && sectorsOf(payload.length) * SECTOR_BYTES <= room) {
      await this.#writeFrame(this.#current, this.#offset, 'batches', payload);
    } else {
      await this.#roll();
    }
    this.#note?.acknowledged(this.#sequence);
  }

  async #writeFrame(
    segment: Segment,
    offset: number,
    kind: 'state' | 'batches',
    payload: Uint8Array,
  ): Promise<void> {
    const sequence = this.#sequence + 1;
    const { bytes, hash } = encodeFrame({ kind, sequence, previous: this.#hash, payload });
    const begun = this.clock.nowMs();
    await writeFully(segment.file, bytes, offset);
    const endedAt = this.clock.nowMs();
    this.#lastSync = { ms: endedAt - begun, endedAt };
    this.#sequence = sequence;
    this.#hash = hash;
    this.#offset = offset + bytes.length;
  }

  /**
   * Goes on in the next segment, whose first frame is the whole state, what is being appended included:
   * so a roll is the compaction, and one frame. What came before goes once that frame is durable.
   */
  async #roll(): Promise<void> {
    const payload = encodeBatches(batchesOf(this.#state));
    const old = this.#current;
    if (old === null) await this.files.makeDirectory();
    const next = await this.#nextSegment((old?.number ?? 0) + 1, payload.length);
    await this.#writeFrame(next, FIRST_FRAME_AT, 'state', payload);
    this.#current = next;
    this.#note ??= await DurableNote.open(this.files, this.clock, this.#failed);
    this.#prepareSpare(next.number + 1, next.sizeBytes, old);
  }

  async #nextSegment(number: number, payloadBytes: number): Promise<Segment> {
    const frameBytes = sectorsOf(payloadBytes) * SECTOR_BYTES;
    // Twice the state, so that what rolls write stays in proportion to what appends write.
    const sizeBytes = Math.max(this.options.segmentBytes, FIRST_FRAME_AT + 2 * frameBytes);
    const spare = this.#spare === null ? null : await this.#spare;
    this.#spare = null;
    if (spare !== null && spare.sizeBytes >= sizeBytes) return spare;
    await spare?.file.close();
    return this.#create(number, sizeBytes);
  }

  async #create(number: number, sizeBytes: number): Promise<Segment> {
    const segment = await createSegment(this.files, number, sizeBytes);
    this.#sizes.set(segment.name, sizeBytes);
    return segment;
  }

  /** Only after the first frame of the segment before it is durable (order 3 of recovery.ts). */
  #prepareSpare(number: number, sizeBytes: number, old: Segment | null): void {
    this.#spare = this.#dying(async () => {
      if (old !== null) {
        await old.file.close();
        await this.files.remove(old.name);
        await this.files.syncDirectory();
        this.#sizes.delete(old.name);
      }
      // As large as the one that was just begun: the state that the next one begins with will be about as large.
      return this.#create(number, Math.max(this.options.segmentBytes, sizeBytes));
    });
    // Whoever needs the spare sees this again; nobody may need it before the process ends.
    this.#spare.catch(this.#failed);
  }

  // ------------------------------------------------------------------------------ failing

  readonly #failed = (error: unknown): ConsensusError => {
    this.#failure ??=
      error instanceof ConsensusError
        ? error
        : new ConsensusError(
            'CONSENSUS_LOG_FAILED',
            { path: this.files.path, detail: String(error) },
            { cause: error },
          );
    this.#note?.latch();
    return this.#failure;
  };

  async #dying<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#failed(error);
    }
  }
}
