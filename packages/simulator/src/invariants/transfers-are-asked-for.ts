/**
 * Who campaigns because its leader told it to was told so in the term before, for the very log that it has.
 *
 * Source  rule 33; dissertation, 3.10. Voters do not stand by their leader against such a candidate, so a call that
 *         comes late must not make one.
 */
import type { LinkFrame, MemberId } from '@cometkms/consensus';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';

export class TransfersAreAskedFor implements Invariant {
  readonly promise = 'who campaigns for a transfer was called by the leader of the term before';
  readonly #calls = new Set<string>();

  sent({ replica, id }: At, to: MemberId, { message }: Extract<LinkFrame, { kind: 'raft' }>): void {
    if (message.kind === 'timeoutNow') {
      this.#calls.add(`${to} ${message.term} ${message.lastIndex}`);
    } else if (message.kind === 'vote' && message.transfer) {
      if (this.#calls.has(`${id} ${message.term - 1} ${message.lastIndex}`)) return;
      throw new Violation(
        this.promise,
        `${replica} campaigns for term ${message.term} with a log to ${message.lastIndex}, which no leader asked for`,
      );
    }
  }
}
