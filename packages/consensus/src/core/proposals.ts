/**
 * The proposals of one leadership that still wait for their outcome.
 *
 * Owns    which ticket belongs to which (term, index). A ticket is resolved exactly once.
 * Never   resolves by index alone: whatever stands there later may be someone else's entry.
 * Rule    rule 29; docs/architecture.md, 2.
 * Proof   test/core-proposals.test.ts; test/core-world.test.ts accounts for every ticket.
 */
import { invariant } from '@cometkms/invariant';
import type { Index, Outbox, Term, Ticket } from './types.js';

export class Proposals {
  readonly #term: Term;
  readonly #tickets = new Map<Index, Ticket>();

  /** @param term  of the leadership; all of its entries carry it */
  constructor(term: Term) {
    this.#term = term;
  }

  add(index: Index, ticket: Ticket): void {
    invariant(!this.#tickets.has(index), 'an index is proposed once in a term', { index, ticket });
    this.#tickets.set(index, ticket);
  }

  /** The entries in (after, through] are committed; `termAt` says which they are. */
  settle(after: Index, through: Index, termAt: (index: Index) => Term | null, out: Outbox): void {
    for (let index = after + 1; index <= through; index += 1) {
      const ticket = this.#tickets.get(index);
      if (ticket === undefined) continue;
      // A leader never replaces an entry of its own term, so nothing else can have committed here.
      invariant(
        termAt(index) === this.#term,
        'what commits in a proposal’s place is that proposal',
        {
          index,
          term: this.#term,
        },
      );
      this.#tickets.delete(index);
      out.resolve(ticket, { kind: 'committed', term: this.#term, index });
    }
  }

  /**
   * Leadership ended with these undecided. They may be overwritten, passed over by a snapshot, or
   * commit under the next leader: *unknown*, never "failed", or a caller would try another payload.
   */
  abandon(out: Outbox): void {
    for (const ticket of this.#tickets.values()) out.resolve(ticket, { kind: 'unknown' });
    this.#tickets.clear();
  }
}
