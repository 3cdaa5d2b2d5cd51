/**
 * At most one replica leads in a term.
 *
 * Source  Raft paper, figure 3 (election safety); rules 1 to 7.
 */
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';

export class OneLeaderPerTerm implements Invariant {
  readonly promise = 'at most one replica leads in a term';
  readonly #leaders = new Map<number, At>();

  stepped(at: At, core: Core): void {
    if (core.role.kind !== 'leader') return;
    const { term } = core.hard;
    const known = this.#leaders.get(term);
    if (known === undefined) this.#leaders.set(term, at);
    else if (known.replica !== at.replica || known.start !== at.start) {
      throw new Violation(this.promise, `${known.replica} and ${at.replica} lead in term ${term}`);
    }
  }
}
