/**
 * The disk under one replica's log, and the receipts for what is on it.
 *
 * Owns    what is on the disk, what is on its way there, and the promises that wait for it. Writes finish in the order
 *         in which they were handed out (rule 13), each whole (rules 2, 14 and 44).
 * Never   gives a promise free before its receipt. A crash takes all that was on its way.
 * Rule    rules 1, 10, 11, 13, 14.
 */

import type { PersistBatch, Receipt, RecoveredLog } from '@cometkms/consensus/core';
import { invariant } from '@cometkms/invariant';

interface Promised {
  readonly after: Receipt;
  readonly keep: () => void;
}

export class LogDisk {
  /** True: writes wait until they are told to finish. */
  held = false;
  #content: RecoveredLog;
  #underWay: { readonly receipt: Receipt; readonly batch: PersistBatch }[] = [];
  #promised: Promised[] = [];
  #lastReceipt = 0;
  #durable = 0;

  constructor(founded: RecoveredLog) {
    this.#content = founded;
  }

  /** What a start finds. */
  get content(): RecoveredLog {
    return this.#content;
  }

  get isIdle(): boolean {
    return this.#underWay.length === 0;
  }

  isDurable(receipt: Receipt): boolean {
    return receipt <= this.#durable;
  }

  persist(batch: PersistBatch): Receipt {
    this.#lastReceipt += 1;
    const receipt = this.#lastReceipt as Receipt;
    this.#underWay.push({ receipt, batch });
    return receipt;
  }

  /** @param keep  called once everything up to `after` is on disk; perhaps at once, perhaps never */
  promise(after: Receipt, keep: () => void): void {
    invariant(after <= this.#lastReceipt, 'a receipt was handed out before it is named', { after });
    if (this.isDurable(after)) keep();
    else this.#promised.push({ after, keep });
  }

  /** The oldest write reaches the disk. Null: there was none. */
  finishOne(): PersistBatch | null {
    const write = this.#underWay.shift();
    if (write === undefined) return null;
    this.#content = written(this.#content, write.batch);
    this.#durable = write.receipt;
    return write.batch;
  }

  /** What is on disk since the last call may be spoken of: kept promises first, as a log writer does it. */
  keepPromises(): Receipt {
    const due = this.#promised.filter(({ after }) => this.isDurable(after));
    this.#promised = this.#promised.filter(({ after }) => !this.isDurable(after));
    for (const { keep } of due) keep();
    return this.#durable as Receipt;
  }

  /** The process ended. Receipts are a process's own, so the next one counts anew. */
  lose(): void {
    this.#underWay = [];
    this.#promised = [];
    this.#lastReceipt = 0;
    this.#durable = 0;
  }
}

function written(before: RecoveredLog, batch: PersistBatch): RecoveredLog {
  const { hard = before.hard, truncateFrom, entries = [], snapshot, resetLog } = batch;
  const kept =
    truncateFrom === undefined
      ? before.entries
      : before.entries.filter(({ index }) => index < truncateFrom);
  const all = [...kept, ...entries];
  if (snapshot === undefined) return { hard, snapshot: before.snapshot, entries: all };
  const after = resetLog === true ? [] : all.filter(({ index }) => index > snapshot.index);
  return { hard, snapshot, entries: after };
}
