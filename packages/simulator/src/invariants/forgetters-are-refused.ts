/**
 * A replica that starts with less than it once showed has no link to any member that has it on disk what was shown.
 *
 * Source  docs/architecture.md, consensus 8; rule 53. What another member has on its disk of a replica: that it joined,
 *         its last start, its term, how far it acknowledged what is committed. Judged from the logs as they were when
 *         the replica opened its own; seen by the Raft frames that it sends, which only a link that
 *         both accepted carries. Who has come as far again, with others, before it met the one that knows shows no
 *         less: that nobody can see (the head of peer-marks.ts).
 */
import type { MemberId, PeerMark, RecoveredStorage } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { lastIndexOf } from '../shadow-log.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

export class ForgettersAreRefused implements Invariant {
  readonly promise = 'who shows less than it once did is refused by those that know';
  readonly #logs: Pick<LogRemembers, 'marksOf' | 'acknowledged'>;
  /** By the forgetter, then by who knows better: what it forgot. */
  readonly #forgotten = new Map<MemberId, Map<MemberId, string>>();

  constructor(logs: Pick<LogRemembers, 'marksOf' | 'acknowledged'>) {
    this.#logs = logs;
  }

  logOpened({ id }: At, recovered: RecoveredStorage): void {
    const forgotten = new Map<MemberId, string>();
    for (const [knower, mark] of this.#logs.marksOf(id)) {
      const { genesis, boot, hard, snapshot, entries } = recovered;
      const last = entries.at(-1)?.index ?? snapshot?.index ?? 0;
      // Its next start has the number after the one that its log knows.
      const start = (boot?.boot ?? 0) + 1;
      const what = forgottenOf(mark, { founded: genesis !== null, start, term: hard.term, last });
      if (what !== null) forgotten.set(knower, what);
    }
    this.#forgotten.set(id, forgotten);
  }

  /** What it says of itself on this link is what it has now. */
  linked({ id }: At, to: MemberId): void {
    const mark = this.#logs.marksOf(id).find(([knower]) => knower === to)?.[1];
    const log = this.#logs.acknowledged(id);
    const { founded, boot: start, hard } = log;
    const shown = { founded, start, term: hard.term, last: lastIndexOf(log) };
    if (mark !== undefined && forgottenOf(mark, shown) === null)
      this.#forgotten.get(id)?.delete(to);
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

interface Shown {
  readonly founded: boolean;
  readonly start: number;
  readonly term: number;
  readonly last: number;
}

function forgottenOf(mark: PeerMark, { founded, start, term, last }: Shown): string | null {
  if (!founded) return mark.joined ? 'an empty log, and it had joined' : null;
  if (start < mark.boot) return `it shows start ${start}, and had shown ${mark.boot}`;
  if (term < mark.term) return `it shows term ${term}, and had shown ${mark.term}`;
  return last < mark.acknowledged
    ? `it shows entries to ${last}, and had acknowledged ${mark.acknowledged}`
    : null;
}
