/**
 * In one process, term, commit index and applied index never fall, and a vote stands for its term; on a disk, term
 * and vote do so over all starts.
 *
 * Source  Raft paper, figure 2; rules 3, 4 and 24. Over starts: invariants/log-remembers.ts.
 */
import type { HardState, LogBatch, MemberId, RecoveredStorage } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';

interface Seen {
  start: number;
  term: number;
  votedFor: string | null;
  commit: number;
  applied: number;
}

export class NothingFalls implements Invariant {
  readonly promise = 'term, vote of a term, commit and applied index never go back in a process';
  readonly #seen = new Map<string, Seen>();
  readonly #onDisk = new Map<MemberId, HardState>();

  stepped(at: At, { hard, commit, applied }: Core): void {
    const seen = this.#seen.get(at.replica);
    if (seen === undefined || seen.start !== at.start) {
      const { term, votedFor } = hard;
      this.#seen.set(at.replica, { start: at.start, term, votedFor, commit, applied });
      return;
    }
    const fell = this.#fall(seen, hard.term, hard.votedFor, commit, applied);
    if (fell !== null) throw new Violation(this.promise, `${at.replica}: ${fell}`);
    seen.term = hard.term;
    seen.votedFor = hard.votedFor;
    seen.commit = commit;
    seen.applied = applied;
  }

  logOpened({ id }: At, { hard }: RecoveredStorage): void {
    // Against what was acknowledged before: invariants/log-remembers.ts.
    this.#onDisk.set(id, hard);
  }

  logAcknowledged({ replica, id }: At, batches: readonly LogBatch[]): void {
    for (const { hard } of batches) {
      if (hard === undefined) continue;
      const before = this.#onDisk.get(id);
      this.#onDisk.set(id, hard);
      if (before === undefined || hard.term > before.term) continue;
      if (hard.term === before.term && (before.votedFor ?? hard.votedFor) === hard.votedFor)
        continue;
      throw new Violation(
        this.promise,
        `${replica} has term ${before.term} with ${before.votedFor} on disk, then ${hard.term} with ${hard.votedFor}`,
      );
    }
  }

  #fall(
    seen: Seen,
    term: number,
    votedFor: string | null,
    commit: number,
    applied: number,
  ): string | null {
    if (term < seen.term) return `term ${seen.term}, then ${term}`;
    if (term === seen.term && seen.votedFor !== null && votedFor !== seen.votedFor) {
      return `vote for ${seen.votedFor} in term ${term}, then for ${votedFor ?? 'nobody'}`;
    }
    if (commit < seen.commit) return `commit ${seen.commit}, then ${commit}`;
    return applied < seen.applied ? `applied ${seen.applied}, then ${applied}` : null;
  }
}
