/**
 * Tickets and their outcomes.
 *
 * Owns    rule 29 and "resolved by (term, index)" at the book of proposals itself.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onViolation } from '@cometkms/invariant';
import type { ProposalOutcome, Ticket } from '../src/core/index.js';
import { Proposals } from '../src/core/proposals.js';
import { Bench } from './core-bench.js';

/** Records what is resolved, through an outbox that is used for nothing else. */
class Book extends Bench {
  readonly resolved: (readonly [Ticket, ProposalOutcome])[] = [];
  override resolve(ticket: Ticket, outcome: ProposalOutcome): void {
    this.resolved.push([ticket, outcome]);
  }
}

test('what commits is resolved once, in order, and nothing beyond it', () => {
  const [proposals, book] = [new Proposals(4), new Book()];
  for (const index of [3, 4, 6]) proposals.add(index, index * 10);
  proposals.settle(2, 4, () => 4, book);
  proposals.settle(2, 5, () => 4, book);
  assert.deepEqual(book.resolved, [
    [30, { kind: 'committed', term: 4, index: 3 }],
    [40, { kind: 'committed', term: 4, index: 4 }],
  ]);
});

test('rule 29: what is still open when leadership ends is unknown', () => {
  const [proposals, book] = [new Proposals(4), new Book()];
  proposals.add(3, 30);
  proposals.add(4, 40);
  proposals.settle(2, 3, () => 4, book);
  proposals.abandon(book);
  proposals.abandon(book);
  assert.deepEqual(book.resolved.slice(1), [[40, { kind: 'unknown' }]]);
});

test('another entry in a proposal’s place is never taken for it', (t) => {
  t.after(
    onViolation((violation) => {
      throw violation;
    }),
  );
  const [proposals, book] = [new Proposals(4), new Book()];
  proposals.add(3, 30);
  assert.throws(() => proposals.settle(2, 3, () => 5, book), /that proposal/);
  assert.deepEqual(book.resolved, []);
});
