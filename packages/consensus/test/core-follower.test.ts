/**
 * A follower and its appends, one call at a time.
 *
 * Owns    rules 8, 11, 14, 18, 20, 21, 23 at the outputs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onViolation } from '@cometkms/invariant';
import {
  accepted,
  append,
  Bench,
  command,
  entriesOf,
  receipt,
  refused,
  withoutWakes,
} from './core-bench.js';

/** Follows b in term 3 with entries of these terms, all durable; receipt 1 is the term's. */
const follower = (...terms: readonly number[]) => {
  const bench = new Bench({ terms, hard: { term: 2, votedFor: null } });
  return bench.follow('b', 3);
};

test('rule 11: an append is acknowledged once its entries are durable', () => {
  const entries = entriesOf(3, 3);
  assert.deepEqual(follower().hear('b', append(3, [0, 0], entries)), [
    ['persist', receipt(2), { entries }],
    ['promise', 'b', accepted(3, 2), receipt(2)],
  ]);
});

test('rule 11: a duplicate waits for the write of the first, which is still under way', () => {
  const bench = follower();
  bench.hear('b', append(3, [0, 0], entriesOf(3, 3)));
  assert.deepEqual(bench.hear('b', append(3, [0, 0], entriesOf(3, 3), 0, 2)), [
    ['promise', 'b', accepted(3, 2, 2), receipt(2)],
  ]);
});

test('rule 11: so does an empty append after it; one before it waits for the term alone', () => {
  const bench = follower(1);
  bench.hear('b', append(3, [1, 1], [command(2, 3)]));
  assert.deepEqual(bench.hear('b', append(3, [2, 3], [], 0, 2)), [
    ['promise', 'b', accepted(3, 2, 2), receipt(2)],
  ]);
  assert.deepEqual(bench.hear('b', append(3, [1, 1], [], 0, 3)), [
    ['promise', 'b', accepted(3, 1, 3), receipt(1)],
  ]);
});

test('rule 14: truncation and what replaces it are one batch', () => {
  const bench = follower(1, 1, 2, 2);
  const entries = [command(2, 1), command(3, 3)];
  assert.deepEqual(bench.hear('b', append(3, [1, 1], entries)), [
    ['persist', receipt(2), { truncateFrom: 3, entries: [command(3, 3)] }],
    ['promise', 'b', accepted(3, 3), receipt(2)],
  ]);
});

test('rules 20 and 23: a stale append keeps the suffix and vouches for its own part', () => {
  const bench = follower(1, 1, 3);
  assert.deepEqual(bench.hear('b', append(3, [0, 0], entriesOf(1))), [
    ['promise', 'b', accepted(3, 1), receipt(1)],
  ]);
  assert.equal(bench.core.log.lastIndex, 3);
});

test('rule 18: nothing beyond what this message verified commits', () => {
  const bench = follower(1, 1, 2);
  assert.deepEqual(bench.hear('b', append(3, [1, 1], [], 3)), [
    ['commit', 1],
    ['promise', 'b', accepted(3, 1), receipt(1)],
  ]);
});

test('rule 24: a late, lower commit index changes nothing', () => {
  const bench = follower(1, 1);
  bench.hear('b', append(3, [2, 1], [], 2));
  assert.deepEqual(bench.hear('b', append(3, [2, 1], [], 1, 2)), [
    ['promise', 'b', accepted(3, 2, 2), receipt(1)],
  ]);
});

test('rule 21: a leader that would replace what is committed ends the process', (t) => {
  t.after(
    onViolation((violation) => {
      throw violation;
    }),
  );
  const bench = follower(1, 1);
  bench.hear('b', append(3, [2, 1], [], 2));
  const other = [command(2, 3)];
  assert.throws(() => bench.hear('b', append(3, [1, 1], other)), /nothing committed/);
});

test('two leaders in a term end the process', (t) => {
  t.after(
    onViolation((violation) => {
      throw violation;
    }),
  );
  assert.throws(() => follower().hear('c', append(3, [0, 0], [])), /one leader per term/);
});

const refusals: readonly (readonly [
  why: string,
  terms: readonly number[],
  prev: readonly [number, number],
  hint: readonly [number, number],
])[] = [
  ['our log is shorter', [1, 1], [5, 3], [2, 1]],
  ['another term is there: before all of that term', [1, 2, 2, 2], [4, 3], [3, 2]],
  ['our terms there are later than theirs', [1, 2, 2, 2], [4, 1], [1, 1]],
];
for (const [why, terms, prev, hint] of refusals) {
  test(`an append that does not join is refused with a hint: ${why}`, () => {
    assert.deepEqual(follower(...terms).hear('b', append(3, prev, [command(prev[0] + 1, 3)])), [
      ['promise', 'b', refused(3, ...hint), receipt(1)],
    ]);
  });
}

test('what is committed joins, though it is compacted here', () => {
  const bench = new Bench({ snapshot: { index: 5, term: 2 }, hard: { term: 2, votedFor: null } });
  const entries = [command(5, 2), command(6, 3)];
  assert.deepEqual(withoutWakes(bench.hear('b', append(3, [4, 2], entries, 5))), [
    ['persist', receipt(1), { hard: { term: 3, votedFor: null } }],
    ['changed', { role: 'follower', term: 3, leader: 'b', reason: 'leader_found' }],
    ['persist', receipt(2), { entries: [command(6, 3)] }],
    ['promise', 'b', accepted(3, 6), receipt(2)],
  ]);
});
