/**
 * How sure a leader may be that it still leads: rounds, lease, check-quorum.
 *
 * Owns    when a quorum last answered, and until when the lease lasts. A lease chooses who is asked
 *         and refuses; it never permits anything (docs/architecture.md, 1).
 * Never   trusts the moment of an answer's arrival for the lease: a paused process sees answers
 *         late.
 * Rule    rules 28, 29, 36; dissertation, 6.2 and 6.4.
 * Proof   test/core-lease.test.ts.
 */
import type { Core, Leading } from './core.js';
import { reachedByQuorum } from './membership.js';
import type { Progress } from './progress.js';
import type { Millis } from './types.js';

/**
 * Answers to older rounds than this many messages back tell nothing: their lease has long run out.
 */
const roundsRemembered = 8192;

/**
 * The numbers of a leader's messages, and when each was sent. Grows for the life of the leadership.
 */
export class Rounds {
  readonly #sentAt = new Map<number, Millis>();
  #next = 1;

  get next(): number {
    return this.#next;
  }

  open(now: Millis): number {
    const round = this.#next;
    this.#next += 1;
    this.#sentAt.set(round, now);
    this.#sentAt.delete(round - roundsRemembered);
    return round;
  }

  sentAt(round: number): Millis | null {
    return this.#sentAt.get(round) ?? null;
  }
}

/** A peer answered `round` of this leadership. */
export function noteAnswer(leading: Leading, peer: Progress, round: number, now: Millis): void {
  peer.answeredAt = now;
  const sentAt = leading.rounds.sentAt(round);
  if (sentAt === null) return;
  peer.roundTripMs = now - sentAt;
  // From the time of SENDING: until then, at least, the peer had not turned to another (rule 36).
  peer.confirmedAt = Math.max(peer.confirmedAt, sentAt);
}

/** The moment at which a quorum, this replica included, had last answered. */
export function quorumAnsweredAt(core: Core, leading: Leading): Millis {
  return reachedByQuorum(core, (id) =>
    id === core.config.self
      ? Number.POSITIVE_INFINITY
      : (leading.peers.get(id)?.answeredAt ?? Number.NEGATIVE_INFINITY),
  );
}

/** On the monotonic clock; infinite for a sole voter, minus infinity before a quorum answered. */
export function leaseUntil(core: Core, leading: Leading): Millis {
  const confirmedAt = reachedByQuorum(core, (id) =>
    id === core.config.self
      ? Number.POSITIVE_INFINITY
      : (leading.peers.get(id)?.confirmedAt ?? Number.NEGATIVE_INFINITY),
  );
  return confirmedAt + core.config.leaseMs;
}
