/**
 * A leader counts only entries of its own term as committed; older ones commit with them.
 *
 * Source  rule 17; Raft paper, 5.4.2 and figure 8. What goes wrong without it needs three leaders in a row; that a
 *         leader commits to an entry of an older term is wrong at once.
 */
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';

export class CommitsOwnTerm implements Invariant {
  readonly promise = 'a leader commits by counting only entries of its own term';
  readonly #leading = new Map<string, { start: number; term: number; commit: number }>();

  stepped({ replica, start }: At, core: Core): void {
    if (core.role.kind !== 'leader') {
      this.#leading.delete(replica);
      return;
    }
    const { commit, log } = core;
    const { term } = core.hard;
    const before = this.#leading.get(replica);
    this.#leading.set(replica, { start, term, commit });
    // At its first look it may have been told of a commit while it followed.
    if (before?.start !== start || before.term !== term || commit === before.commit) return;
    const at = log.termAt(commit);
    if (at === term) return;
    throw new Violation(
      this.promise,
      `${replica}, leader of term ${term}, commits up to ${commit}, which is of term ${at}`,
    );
  }
}
