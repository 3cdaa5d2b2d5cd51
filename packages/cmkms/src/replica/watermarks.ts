/**
 * The watermark of one (key, chain) on this replica, from a file that may be missing or damaged.
 *
 * Owns    when a lost one is made anew: only from applied state after the barrier, or where nothing was ever signed.
 * Never   serves without one: until then this replica may not sign for the chain.
 * Rule    docs/architecture.md, second gates.
 * Proof   test/replica-watermarks.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import { type Hrs, type RecordId, readSignBytes, type SigningRecord } from '@cometkms/sign-state';
import {
  type Marked,
  type OpenedWatermark,
  openWatermark,
  type Watermark,
  type WatermarkFile,
  type WatermarkVerdict,
} from '@cometkms/signer';
import type { Edges } from './edges.js';

export interface WatermarkAlarm {
  readonly to: string;
  readonly reason: string;
}

export class ReplicaWatermark implements Watermark {
  #held: WatermarkFile | null = null;
  #opened: OpenedWatermark;
  #badSlot: boolean;
  #restoring: Promise<void> = Promise.resolve();
  /** Why the last refused one was. */
  lastRefusal: 'regressed' | 'otherContent' | null = null;
  readonly #alarm: (alarm: WatermarkAlarm) => void;

  private constructor(opened: OpenedWatermark, alarm: (alarm: WatermarkAlarm) => void) {
    this.#opened = opened;
    this.#alarm = alarm;
    this.#held = opened.kind === 'held' ? opened.watermark : null;
    this.#badSlot = opened.kind === 'held' && opened.badSlot !== null;
  }

  /** @throws SignerError where the file is another key's, of another version, or cannot be read */
  static async open(
    path: string,
    id: RecordId,
    { files, clock }: Pick<Edges, 'files' | 'clock'>,
    alarm: (alarm: WatermarkAlarm) => void,
  ): Promise<ReplicaWatermark> {
    const edges = { files, nowMs: () => clock.nowMs() };
    return new ReplicaWatermark(await openWatermark(path, id, edges), alarm);
  }

  get ready(): boolean {
    return this.#held !== null && !this.#badSlot;
  }

  /** This replica has never released anything: there is nothing that the file could have said. */
  async createForNewReplica(): Promise<void> {
    if (this.#opened.kind !== 'lost' || this.#held !== null) return;
    if (this.#opened.reason === 'missing') this.#held = await this.#opened.rebuild(null);
  }

  /**
   * After the barrier: what is applied here is at least what this replica ever released. One at a time: leadership
   * may come again while the file is being written, and a second one would replace the file under the first.
   * @param record undefined: the chain is not registered, so nothing was ever released
   */
  restore(record: SigningRecord | undefined): Promise<void> {
    this.#restoring = this.#restoring.then(() => this.#restore(record));
    return this.#restoring;
  }

  async #restore(record: SigningRecord | undefined): Promise<void> {
    const last = record?.last ?? null;
    const from: Marked | null =
      last === null ? null : { hrs: last.hrs, content: readSignBytes(last.signBytes).content };
    if (this.#opened.kind === 'lost' && this.#held === null) {
      const { reason } = this.#opened;
      this.#held = await this.#opened.rebuild(from);
      if (from !== null) this.#alarm({ to: textOf(from.hrs), reason });
    } else if (this.#badSlot) {
      invariant(this.#held !== null, 'one good slot holds');
      // Refused where the slot that holds is higher already: then nothing was lost.
      if (from !== null) await this.#held.raise(from.hrs, from.content);
      this.#badSlot = false;
      this.#alarm({ to: from === null ? 'nothing' : textOf(from.hrs), reason: 'one slot is bad' });
    }
  }

  async raise(hrs: Hrs, content: Uint8Array): Promise<WatermarkVerdict> {
    invariant(this.#held !== null, 'no request is served without a watermark');
    const verdict = await this.#held.raise(hrs, content);
    if (verdict.kind === 'refused') this.lastRefusal = verdict.reason;
    return verdict;
  }

  /** Nothing is raised any more. */
  async close(): Promise<void> {
    await this.#restoring;
    await this.#held?.close();
  }

  current(): { readonly hrs: Hrs } | null {
    return this.#held?.current() ?? null;
  }
}

const textOf = (hrs: Hrs): string => `${hrs.height}/${hrs.round}/${hrs.step}`;
