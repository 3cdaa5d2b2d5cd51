/**
 * A replica that starts with less than it once showed has no link to any member that has it on disk what was shown.
 *
 * Source  docs/architecture.md, consensus 8; rule 53. What another member has on its disk of a replica: that it joined,
 *         its last start, its term, how far it acknowledged what is committed. Judged from the logs as they were when
 *         the replica opened its own; seen by the Raft frames that it sends, which only a link that
 *         both accepted carries.
 */
import type { MemberId, PeerMark, RecoveredStorage } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

export class ForgettersAreRefused implements Invariant {
  readonly promise = 'who shows less than it once did is refused by those that know';
  readonly #logs: Pick<LogRemembers, 'marksOf'>;
  /** By the forgetter, then by who knows better: what it forgot. */
  readonly #forgotten = new Map<MemberId, ReadonlyMap<MemberId, string>>();

  constructor(logs: Pick<LogRemembers, 'marksOf'>) {
    this.#logs = logs;
  }

  logOpened({ id }: At, recovered: RecoveredStorage): void {
    const forgotten = new Map<MemberId, string>();
    for (const [knower, mark] of this.#logs.marksOf(id)) {
      const what = forgottenOf(mark, recovered);
      if (what !== null) forgotten.set(knower, what);
    }
    this.#forgotten.set(id, forgotten);
  }

  /** Who lost its disk knows nothing of others any more. */
  diskReplaced(id: MemberId): void {
    for (const [other, forgotten] of this.#forgotten) {
      this.#forgotten.set(other, new Map([...forgotten].filter(([knower]) => knower !== id)));
    }
  }

  /** The other way a frame may still go to the process that was there before. */
  sent({ replica, id }: At, to: MemberId): void {
    const what = this.#forgotten.get(id)?.get(to) ?? null;
    if (what === null) return;
    throw new Violation(this.promise, `${replica} speaks to ${to.slice(0, 8)}: ${what}`);
  }
}

/** Its next start has the number after the one that its log knows. */
function forgottenOf(mark: PeerMark, { genesis, boot, hard, snapshot, entries }: RecoveredStorage) {
  if (genesis === null) return mark.joined ? 'an empty log, and it had joined' : null;
  const start = (boot?.boot ?? 0) + 1;
  if (start < mark.boot) return `it shows start ${start}, and had shown ${mark.boot}`;
  if (hard.term < mark.term) return `it shows term ${hard.term}, and had shown ${mark.term}`;
  const last = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  return last < mark.acknowledged
    ? `it shows entries to ${last}, and had acknowledged ${mark.acknowledged}`
    : null;
}
