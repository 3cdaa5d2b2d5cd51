/**
 * A log loses entries only to other entries in their place, and never one that is committed.
 *
 * Source  rules 20, 21 and 45; dissertation, 3.5 and 5.1. Late, repeated or empty, an append shows no conflict; and a
 *         snapshot whose end the log holds says nothing against what stands behind it. What was acknowledged may be
 *         the one copy that a majority counts on, long before anybody misses it.
 */
import type { Entry, LogBatch } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { entryAt, lastIndexOf, type ShadowLog, withBatch } from '../shadow-log.js';
import { Violation } from '../violation.js';
import type { CommittedIsForEver } from './committed-is-for-ever.js';
import type { LogRemembers } from './log-remembers.js';

export class OnlyConflictsShorten implements Invariant {
  readonly promise = 'a log loses entries only to others in their place, and never a committed one';
  readonly #logs: Pick<LogRemembers, 'acknowledged'>;
  readonly #committed: Pick<CommittedIsForEver, 'isCommitted'>;

  constructor(
    logs: Pick<LogRemembers, 'acknowledged'>,
    committed: Pick<CommittedIsForEver, 'isCommitted'>,
  ) {
    this.#logs = logs;
    this.#committed = committed;
  }

  /** To be told before the log's own record goes on (invariants/log-remembers.ts). */
  logBegun({ replica, id }: At, batches: readonly LogBatch[]): void {
    let log = this.#logs.acknowledged(id);
    for (const batch of batches) {
      const broken = this.#truncates(log, batch) ?? this.#resets(log, batch);
      if (broken !== null) throw new Violation(this.promise, `${replica} ${broken}`);
      log = withBatch(log, batch);
    }
  }

  #truncates(log: ShadowLog, { truncateFrom, entries = [] }: LogBatch): string | null {
    if (truncateFrom === undefined) return null;
    const [lost, taken] = [entryAt(log, truncateFrom), entries[0]];
    if (lost === null || taken === undefined || taken.index !== truncateFrom) {
      return `truncates from ${truncateFrom} on, and has nothing to put there`;
    }
    if (lost.term === taken.term) {
      return `truncates from ${truncateFrom} on, where it has the very entry of term ${lost.term}`;
    }
    return this.#losesCommitted([lost]);
  }

  #resets(log: ShadowLog, { snapshot, resetLog }: LogBatch): string | null {
    if (resetLog !== true || snapshot === undefined || !log.founded) return null;
    if (snapshot.index < (log.snapshot?.index ?? 0)) {
      return `goes back from the snapshot at ${log.snapshot?.index} to one at ${snapshot.index}`;
    }
    const held = entryAt(log, snapshot.index);
    if (held?.term === snapshot.term && lastIndexOf(log) > snapshot.index) {
      return `drops ${snapshot.index + 1} to ${lastIndexOf(log)} for a snapshot whose end it holds`;
    }
    return this.#losesCommitted(log.entries.filter(({ index }) => index > snapshot.index));
  }

  /** A stale entry may stand at such an index, too: that one may go. */
  #losesCommitted(entries: readonly Entry[]): string | null {
    const lost = entries.find((entry) => this.#committed.isCommitted(entry));
    return lost === undefined ? null : `loses ${lost.index}, which is committed`;
  }
}
