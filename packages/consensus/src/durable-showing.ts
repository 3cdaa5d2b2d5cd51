/**
 * What this replica may say of its own disk.
 *
 * Owns    the term and the last index that are on disk at this moment, for the hello.
 * Never   shows what is only in memory: a peer remembers what it was shown, and would take the same disk
 *         after a crash for an older one. Nor shows less than what is on disk, as memory does while a
 *         term is being written or a snapshot replaces the log: that too would look like an older disk.
 * Rule    docs/architecture.md, consensus 8; rule 10.
 * Proof   test/durable-showing.test.ts.
 */
import type { Index, PersistBatch, Receipt, RecoveredLog, Term } from './core/types.js';

export class DurableShowing {
  #term: Term = 0;
  #lastIndex: Index = 0;
  #underWay: { readonly receipt: Receipt; readonly batch: PersistBatch }[] = [];

  get term(): Term {
    return this.#term;
  }

  get lastIndex(): Index {
    return this.#lastIndex;
  }

  recovered({ hard, snapshot, entries }: RecoveredLog): void {
    this.#term = hard.term;
    this.#lastIndex = entries.at(-1)?.index ?? snapshot.index;
  }

  handedOut(receipt: Receipt, batch: PersistBatch): void {
    this.#underWay.push({ receipt, batch });
  }

  durable(through: Receipt): void {
    while (this.#underWay[0] !== undefined && this.#underWay[0].receipt <= through) {
      this.#take(this.#underWay[0].batch);
      this.#underWay.shift();
    }
  }

  /** In the order of a batch: hard state, truncation, entries, snapshot. */
  #take({ hard, truncateFrom, entries, snapshot, resetLog }: PersistBatch): void {
    if (hard !== undefined) this.#term = hard.term;
    if (truncateFrom !== undefined) this.#lastIndex = Math.min(this.#lastIndex, truncateFrom - 1);
    this.#lastIndex = entries?.at(-1)?.index ?? this.#lastIndex;
    if (snapshot === undefined) return;
    const kept = resetLog === true ? 0 : this.#lastIndex;
    this.#lastIndex = Math.max(kept, snapshot.index);
  }
}
