/**
 * Whoever leads was voted for, in that term, on the disks of a majority.
 *
 * Source  rules 1 and 6; Raft paper, 5.2. Seen at the first look at a leader, whatever another one does in that term.
 *         Votes are kept over all starts: one that was lost since was given nevertheless.
 */
import type { HardState, LogBatch, MemberId, RecoveredStorage } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { membershipOf } from '../shadow-log.js';
import { Violation } from '../violation.js';

export class ElectedByMajority implements Invariant {
  readonly promise = 'whoever leads has the votes of a majority, on disk';
  readonly #votes = new Map<string, Set<MemberId>>();
  readonly #led = new Map<string, number>();

  logAcknowledged({ id }: At, batches: readonly LogBatch[]): void {
    for (const { hard } of batches) if (hard !== undefined) this.#voted(id, hard);
  }

  /** Written by a process that did not live to hear of it. */
  logOpened({ id }: At, { hard }: RecoveredStorage): void {
    this.#voted(id, hard);
  }

  #voted(id: MemberId, { term, votedFor }: HardState): void {
    if (votedFor === null) return;
    const election = `${term} ${votedFor}`;
    const voters = this.#votes.get(election) ?? new Set();
    this.#votes.set(election, voters.add(id));
  }

  stepped({ replica, id }: At, core: Core): void {
    const { role, hard } = core;
    if (role.kind !== 'leader' || this.#led.get(replica) === hard.term) return;
    this.#led.set(replica, hard.term);
    const { voters } = membershipOf(core);
    const votes = this.#votes.get(`${hard.term} ${id}`);
    const count = voters.filter((voter) => votes?.has(voter.id)).length;
    if (2 * count > voters.length) return;
    throw new Violation(
      this.promise,
      `${replica} leads term ${hard.term} with ${count} votes of ${voters.length}`,
    );
  }
}
