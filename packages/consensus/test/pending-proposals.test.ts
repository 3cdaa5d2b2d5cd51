/** A proposal is answered by its own entry, or its outcome is unknown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../src/clock.js';
import { PendingProposals } from '../src/pending-proposals.js';

let lastTicket = 0;
const nextTicket = (): number => {
  lastTicket += 1;
  return lastTicket;
};
const unknown = { code: 'CONSENSUS_OUTCOME_UNKNOWN' };

test('it resolves with the answer of exactly its entry', async () => {
  const proposals = new PendingProposals<string>(systemClock, nextTicket);
  const { ticket, outcome } = proposals.open(60_000);
  proposals.committed(ticket, 3, 8, 7);
  proposals.applied(3, 8, { value: 'done' });
  assert.deepEqual(await outcome, { answer: 'done', term: 3, index: 8 });
});

test('an answer of null is an answer', async () => {
  const proposals = new PendingProposals<null>(systemClock, nextTicket);
  const { ticket, outcome } = proposals.open(60_000);
  proposals.committed(ticket, 3, 8, 7);
  proposals.applied(3, 8, { value: null });
  assert.equal((await outcome).answer, null);
});

type Fate = (proposals: PendingProposals<string>, ticket: number) => void;
const fates: readonly (readonly [says: string, fate: Fate])[] = [
  [
    'another term stands at its index',
    (p, t) => {
      p.committed(t, 3, 8, 7);
      p.applied(4, 8, { value: 'another’s' });
    },
  ],
  [
    'an empty entry stands at its index',
    (p, t) => {
      p.committed(t, 3, 8, 7);
      p.applied(3, 8, null);
    },
  ],
  [
    'a snapshot passed over its index',
    (p, t) => {
      p.committed(t, 3, 8, 7);
      p.passedOver(8);
      p.applied(3, 8, { value: 'late' });
    },
  ],
  ['it was applied before it was known as committed', (p, t) => p.committed(t, 3, 8, 8)],
  ['leadership ended', (p, t) => p.unknown(t, 'why')],
  ['the replica stops', (p) => p.abandon('stop')],
];
for (const [says, fate] of fates) {
  test(`unknown: ${says}`, async () => {
    const proposals = new PendingProposals<string>(systemClock, nextTicket);
    const { ticket, outcome } = proposals.open(60_000);
    const rejected = assert.rejects(outcome, unknown);
    fate(proposals, ticket);
    await rejected;
  });
}

test('a snapshot before its index leaves it waiting', async () => {
  const proposals = new PendingProposals<string>(systemClock, nextTicket);
  const { ticket, outcome } = proposals.open(60_000);
  proposals.committed(ticket, 3, 8, 5);
  proposals.passedOver(7);
  proposals.applied(3, 8, { value: 'done' });
  assert.equal((await outcome).answer, 'done');
});

test('in time or unknown, and a commit after that is nobody’s', async () => {
  const proposals = new PendingProposals<string>(systemClock, nextTicket);
  const { ticket, outcome } = proposals.open(1);
  await assert.rejects(outcome, unknown);
  proposals.committed(ticket, 3, 8, 7);
  proposals.applied(3, 8, { value: 'late' });
});

test('not leading is told as such, with who leads', async () => {
  const proposals = new PendingProposals<string>(systemClock, nextTicket);
  const { ticket, outcome } = proposals.open(60_000);
  proposals.notLeader(ticket, 'b');
  await assert.rejects(outcome, { code: 'CONSENSUS_NOT_LEADER', facts: { leader: 'b' } });
});
