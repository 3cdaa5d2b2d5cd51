/**
 * Every promise that leaves is on its sender's disk.
 *
 * Source  rules 1, 10, 11 and 12; raft.md 5.3: this one check finds most of what breaks Raft long before two leaders
 *         appear. A frame that carries a term: the term is on disk. A vote given or asked for: it is on disk, for that
 *         one, in that term; or a later term is, in which the earlier one cannot be voted in any more. An
 *         acknowledgement: the log is on disk as far as it says; or it was, and a later term is on disk by now. What
 *         that term's leader had cut off was acknowledged to the earlier one all the same: it was taken in before any
 *         vote of the later term, so whoever it makes a majority with voted for nobody that lacks it. A slow disk
 *         makes both durable at once. What a frame says that its sender holds of what is committed: likewise.
 */
import type { LinkFrame, MemberId } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { lastIndexOf, type ShadowLog } from '../shadow-log.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

type Raft = Extract<LinkFrame, { kind: 'raft' }>;

export class PromisesAreDurable implements Invariant {
  readonly promise = 'every promise that left is backed by what its sender’s disk holds';
  readonly #logs: Pick<LogRemembers, 'acknowledged' | 'furthestEnd'>;

  constructor(logs: Pick<LogRemembers, 'acknowledged' | 'furthestEnd'>) {
    this.#logs = logs;
  }

  sent({ replica, id }: At, to: MemberId, { message, holds }: Raft): void {
    const log = this.#logs.acknowledged(id);
    const broken =
      this.#broken(log, id, to, message) ?? (holds > lastIndexOf(log) ? 'holds' : null);
    if (broken === null) return;
    throw new Violation(
      this.promise,
      `${replica} sends ${message.kind} of term ${message.term}, and its disk has ${broken}`,
    );
  }

  #broken(log: ShadowLog, id: MemberId, to: MemberId, message: Raft['message']): string | null {
    const { term, votedFor } = log.hard;
    switch (message.kind) {
      // Questions about a term to come, and answers to them.
      case 'preVote':
      case 'preVoteReply':
        return null;
      case 'vote':
        if (term === message.term && votedFor !== id) return `a vote for ${votedFor}`;
        break;
      case 'voteReply':
        if (message.granted && term === message.term && votedFor !== to)
          return `a vote for ${votedFor}`;
        break;
      case 'appendReply':
        if (!message.refused) {
          const end = term > message.term ? this.#logs.furthestEnd(id) : lastIndexOf(log);
          if (message.match > end) return `entries to ${end}, not to ${message.match}`;
        }
        break;
      default:
    }
    return term >= message.term ? null : `term ${term}`;
  }
}
