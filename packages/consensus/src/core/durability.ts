/**
 * What of this replica's state is on disk, told by receipts.
 *
 * Owns    the receipt that each kind of promise must wait for, and how far the log is durable.
 * Never   writes: it hands batches to the outbox, in the order in which the core made them (rule
 *         13).
 * Rule    rules 1, 10, 11, 12, 13, 15.
 * Proof   test/core-durability.test.ts; test/core-world.test.ts checks each promise as it leaves.
 */
import { invariant } from '@cometkms/invariant';
import {
  alreadyDurable,
  type Index,
  type Outbox,
  type PersistBatch,
  type Receipt,
} from './types.js';

export class Durability {
  #lastReceipt: Receipt = alreadyDurable;
  #durableReceipt: Receipt = alreadyDurable;
  #termReceipt: Receipt = alreadyDurable;
  #durableIndex: Index;
  /**
   * Writes to the log that are under way, oldest first: once `receipt` is durable, so is
   * `lastIndex`.
   */
  #underWay: { readonly receipt: Receipt; readonly lastIndex: Index }[] = [];

  constructor(recoveredLastIndex: Index) {
    this.#durableIndex = recoveredLastIndex;
  }

  /** The log, as it stands in memory, is on disk up to here. */
  get durableIndex(): Index {
    return this.#durableIndex;
  }

  /**
   * Rule 10: whatever carries the current term leaves after this one, also what only carries it.
   */
  get termReceipt(): Receipt {
    return this.#termReceipt;
  }

  /** Own term and own vote are on disk: only now may either count (rules 1 and 10). */
  get termIsDurable(): boolean {
    return this.#termReceipt <= this.#durableReceipt;
  }

  /**
   * The receipt for "my log matches up to `index`". Known to be durable: the term's alone, so a
   * heartbeat's answer does not queue behind a slow write. Else the last batch handed out, which
   * holds the entries even where this very request brought nothing new (rule 11).
   */
  receiptForMatch(index: Index): Receipt {
    return index <= this.#durableIndex ? this.#termReceipt : this.#lastReceipt;
  }

  persist(batch: PersistBatch, out: Outbox): void {
    const receipt = out.persist(batch);
    invariant(receipt > this.#lastReceipt, 'receipts grow', { receipt, last: this.#lastReceipt });
    this.#lastReceipt = receipt;
    if (batch.hard !== undefined) this.#termReceipt = receipt;
    if (batch.truncateFrom !== undefined) this.#forgetFrom(batch.truncateFrom);
    const lastEntry = batch.entries?.at(-1);
    if (lastEntry !== undefined) this.#underWay.push({ receipt, lastIndex: lastEntry.index });
    if (batch.snapshot !== undefined && batch.resetLog === true) {
      this.#forgetFrom(0);
      this.#underWay.push({ receipt, lastIndex: batch.snapshot.index });
    }
  }

  /**
   * All batches through this one are on disk. A receipt is never reused, so an old notice cannot
   * lie.
   */
  note(through: Receipt): void {
    invariant(through <= this.#lastReceipt, 'only what was handed out becomes durable', {
      through,
      last: this.#lastReceipt,
    });
    if (through <= this.#durableReceipt) return;
    this.#durableReceipt = through;
    while (this.#underWay[0] !== undefined && this.#underWay[0].receipt <= through) {
      this.#durableIndex = Math.max(this.#durableIndex, this.#underWay[0].lastIndex);
      this.#underWay.shift();
    }
  }

  /** Rule 15: a write that is still under way no longer vouches for entries that were replaced. */
  #forgetFrom(index: Index): void {
    const kept = Math.max(index - 1, 0);
    this.#durableIndex = Math.min(this.#durableIndex, kept);
    this.#underWay = this.#underWay.map(({ receipt, lastIndex }) => ({
      receipt,
      lastIndex: Math.min(lastIndex, kept),
    }));
  }
}
