/**
 * A vote or an acknowledgement counts only once it is on the counting replica's disk that the other one has joined.
 *
 * Source  docs/architecture.md, consensus 8. Else the other one, wiped, could come back as new and promise the
 *         opposite: nobody would remember that it had ever promised anything.
 */
import type { MemberId } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { membershipAt } from '../shadow-log.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

export class CountedHadJoined implements Invariant {
  readonly promise = 'who is counted is on the counting replica’s disk as joined';
  readonly #logs: Pick<LogRemembers, 'acknowledged'>;

  constructor(logs: Pick<LogRemembers, 'acknowledged'>) {
    this.#logs = logs;
  }

  stepped({ replica, id }: At, { role }: Core): void {
    if (role.kind === 'candidate') {
      for (const { id: voter } of this.#strangers(id)) {
        if (role.tally.granted(voter)) this.#broken(replica, voter, 'vote');
      }
    } else if (role.kind === 'leader') {
      for (const [peer, { match }] of role.peers) {
        if (match > 0 && !this.#isKnown(id, peer)) this.#broken(replica, peer, 'acknowledgement');
      }
    }
  }

  #strangers(id: MemberId): readonly { readonly id: MemberId }[] {
    const log = this.#logs.acknowledged(id);
    const others = membershipAt(log, Number.POSITIVE_INFINITY)?.voters ?? [];
    return others.filter((other) => other.id !== id && !this.#isKnown(id, other.id));
  }

  #isKnown(id: MemberId, peer: MemberId): boolean {
    return this.#logs.acknowledged(id).marks.get(peer)?.joined === true;
  }

  #broken(replica: string, peer: MemberId, what: string): never {
    throw new Violation(
      this.promise,
      `${replica} counts the ${what} of ${peer.slice(0, 8)}, which it has not recorded as joined`,
    );
  }
}
