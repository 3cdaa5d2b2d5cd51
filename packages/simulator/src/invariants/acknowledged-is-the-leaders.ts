/**
 * What a follower acknowledges to a leader is the leader's own entry.
 *
 * Source  rules 22 and 23. An acknowledgement vouches for the logs up to there: a stale tail behind what was sent is not
 *         the leader's, however durable. Judged as it leaves, long before it is counted with others.
 */
import type { LinkFrame, MemberId } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { entryAt } from '../shadow-log.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

export class AcknowledgedIsTheLeaders implements Invariant {
  readonly promise = 'what is acknowledged to a leader is the leader’s own entry';
  readonly #logs: Pick<LogRemembers, 'acknowledged' | 'given'>;

  constructor(logs: Pick<LogRemembers, 'acknowledged' | 'given'>) {
    this.#logs = logs;
  }

  sent({ replica, id }: At, to: MemberId, { message }: Extract<LinkFrame, { kind: 'raft' }>): void {
    if (message.kind !== 'appendReply' || message.refused) return;
    const leader = this.#logs.given(to);
    // It has gone on to another term meanwhile: then its log may be another's by now.
    if (leader.hard.term !== message.term) return;
    const own = entryAt(this.#logs.acknowledged(id), message.match);
    const its = entryAt(leader, message.match);
    // Compacted at either side: committed, or not yet begun.
    if (own === null || its === null || own.term === its.term) return;
    throw new Violation(
      this.promise,
      `${replica} acknowledges ${message.match}, of term ${own.term}; the leader’s is of term ${its.term}`,
    );
  }
}
