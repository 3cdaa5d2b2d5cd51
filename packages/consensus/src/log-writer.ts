/**
 * The stream of batches from the core to the log, and the messages that wait for it.
 *
 * Owns    one write in flight; what waits meanwhile goes into the next frame together (group commit).
 * Never   lets a promise leave before its receipt is durable, or anything after a write failed.
 * Rule    rules 1, 10, 11, 13, 48.
 * Proof   test/log-writer.test.ts, on a storage whose writes end when the test says so.
 */
import { invariant } from '@cometkms/invariant';
import type { Clock } from './clock.js';
import type { Receipt } from './core/types.js';
import type { LogBatch, LogStorage, PeerMark } from './storage.js';

export interface WriterWorld {
  /** All batches through this receipt are on disk, and `marks` with them. */
  durable(through: Receipt, marks: readonly PeerMark[]): void;
  /** Marks that the next frame carries. */
  takeMarks(): readonly PeerMark[];
  /** The process must end: nobody knows what is on the disk. */
  failed(error: unknown): void;
  /** One frame was written and synced, in milliseconds. */
  synced(ms: number): void;
}

export class LogWriter {
  readonly #storage: Pick<LogStorage, 'append'>;
  readonly #clock: Clock;
  readonly #world: WriterWorld;
  #lastReceipt = 0;
  #durable = 0;
  #waiting: LogBatch[] = [];
  #writingSince: number | null = null;
  /** After a failure, or at the end: nothing is written and no promise leaves any more. */
  #latched = false;
  #inFlight: Promise<void> = Promise.resolve();
  /** Promises in the order in which they were made. */
  #held: { readonly after: Receipt; readonly send: () => void }[] = [];
  #idle: ((onDisk: boolean) => void)[] = [];

  constructor(storage: Pick<LogStorage, 'append'>, clock: Clock, world: WriterWorld) {
    this.#storage = storage;
    this.#clock = clock;
    this.#world = world;
  }

  persist(batch: LogBatch): Receipt {
    this.#lastReceipt += 1;
    this.#waiting.push(batch);
    return this.#lastReceipt as Receipt;
  }

  /** A record of the driver's own: the core knows of no receipt for it. See `settled`. */
  add(batch: LogBatch): void {
    this.#waiting.push(batch);
  }

  promise(after: Receipt, send: () => void): void {
    invariant(after <= this.#lastReceipt, 'a receipt was handed out before it is named', { after });
    if (this.#latched) return;
    if (after <= this.#durable) send();
    else this.#held.push({ after, send });
  }

  /** How long the write in flight has taken so far, in milliseconds; 0 where there is none. */
  inFlightMs(now: number): number {
    return this.#writingSince === null ? 0 : now - this.#writingSince;
  }

  /** Starts the next write, if there is something and nothing is in flight. */
  kick(): void {
    if (this.#writingSince !== null || this.#latched) return;
    if (this.#waiting.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve(true);
      return;
    }
    const marks = this.#world.takeMarks();
    const batches = marks.length > 0 ? [...this.#waiting, { marks }] : this.#waiting;
    this.#waiting = [];
    this.#inFlight = this.#write(batches, this.#lastReceipt as Receipt, marks);
  }

  /** True once all that was handed out is on disk; false as soon as that can no longer be known. */
  settled(): Promise<boolean> {
    if (this.#latched) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.kick();
    });
  }

  /** Nothing more is written or said; what waits was promised to nobody. */
  latch(): void {
    this.#latched = true;
    this.#held = [];
    this.#waiting = [];
    for (const resolve of this.#idle.splice(0)) resolve(false);
  }

  /** Latches, and waits for what is in flight. */
  async end(): Promise<void> {
    this.latch();
    await this.#inFlight;
  }

  /** Never rejects: whatever fails here, the disk or who was told of it, ends the process. */
  async #write(
    batches: readonly LogBatch[],
    through: Receipt,
    marks: readonly PeerMark[],
  ): Promise<void> {
    const started = this.#clock.nowMs();
    this.#writingSince = started;
    try {
      await this.#storage.append(batches);
      this.#writingSince = null;
      if (this.#latched) return;
      const tookMs = this.#clock.nowMs() - started;
      this.#nowDurable(through, marks);
      this.#world.synced(tookMs);
    } catch (error) {
      // Latched: no later write, and no promise, may follow a failed one (rule 48).
      this.latch();
      this.#world.failed(error);
    }
  }

  #nowDurable(through: Receipt, marks: readonly PeerMark[]): void {
    this.#durable = through;
    const held = this.#held;
    this.#held = [];
    for (const promise of held) {
      if (promise.after > through) this.#held.push(promise);
      else if (!this.#latched) promise.send();
    }
    if (this.#latched) return;
    this.#world.durable(through, marks);
    this.kick();
  }
}
