/**
 * Leadership handed on.
 *
 * Owns    rules 33 and 34 at the outputs, and the choice of a successor.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Message, mayServe, statusOf } from '../src/core/index.js';
import { append, Bench, command, receipt, withoutWakes } from './core-bench.js';

const leader = (start: ConstructorParameters<typeof Bench>[0] = {}) => {
  const bench = new Bench(start).lead();
  bench.acknowledge('b', 1, 1);
  bench.acknowledge('c', 1, 2);
  bench.tell({ kind: 'applied', through: 1 });
  return bench;
};
const timeoutNow = (term: number, lastIndex: number): Message => ({
  kind: 'timeoutNow',
  term,
  lastIndex,
});

test('a successor that has everything is told at once', () => {
  assert.deepEqual(leader().tell({ kind: 'transfer', to: 'c' }), [
    ['promise', 'c', timeoutNow(1, 1), receipt(1)],
  ]);
});

test('one that lacks something is told when it has acknowledged it', () => {
  const bench = leader();
  bench.propose(7, 'x');
  assert.deepEqual(bench.tell({ kind: 'transfer', to: 'c' }), []);
  assert.deepEqual(bench.acknowledge('b', 2, 5), []);
  assert.deepEqual(bench.acknowledge('c', 2, 6).at(-1), [
    'promise',
    'c',
    timeoutNow(1, 2),
    receipt(1),
  ]);
});

test('rule 34: meanwhile nothing is proposed or served; after a timeout all goes on', () => {
  const bench = leader();
  assert.ok(mayServe(bench.core, bench.now));
  bench.tell({ kind: 'transfer', to: 'c' });
  assert.equal(mayServe(bench.core, bench.now), false);
  assert.deepEqual(bench.propose(7, 'x'), [['resolve', 7, { kind: 'notLeader', leader: null }]]);
  for (const now of [1005, 1010, 1015]) {
    bench.wake(now);
    bench.acknowledge('b', 1);
  }
  assert.deepEqual(bench.wake(1020)[0], [
    'changed',
    { role: 'leader', term: 1, leader: 'a', reason: 'transfer_aborted' },
  ]);
  assert.equal(bench.propose(8, 'x').length, 3);
});

test('the best matched is chosen, no witness or learner, nor one whose link is closed', () => {
  const bench = leader({ voters: 'abcde', learners: 'f', witnesses: 'b' });
  bench.propose(1, 'x');
  for (const peer of 'bef') bench.acknowledge(peer, 2);
  const chosen = () => {
    bench.tell({ kind: 'transfer', to: null });
    return statusOf(bench.core, bench.now).transferTo;
  };
  assert.equal(chosen(), 'e');
  bench.tell({ kind: 'link', peer: 'e', state: 'closed' });
  assert.equal(chosen(), 'c');
});

test('nobody to hand it to: nothing happens', () => {
  for (const to of ['a', 'f', 'x']) {
    const bench = leader({ learners: 'f' });
    assert.deepEqual(bench.tell({ kind: 'transfer', to }), []);
    assert.equal(statusOf(bench.core, bench.now).transferTo, null);
  }
  assert.deepEqual(new Bench().follow('b', 3).tell({ kind: 'transfer', to: null }), []);
});

test('rule 33: the successor campaigns at once, without a pre-vote, and says why', () => {
  const bench = new Bench({ terms: [1] }).follow('b', 3);
  assert.deepEqual(bench.hear('b', timeoutNow(3, 1)), [
    ['persist', receipt(2), { hard: { term: 4, votedFor: 'a' } }],
    ['changed', { role: 'candidate', term: 4, leader: null, reason: 'transfer' }],
    [
      'promise',
      'b',
      { kind: 'vote', term: 4, lastIndex: 1, lastTerm: 1, transfer: true },
      receipt(2),
    ],
    [
      'promise',
      'c',
      { kind: 'vote', term: 4, lastIndex: 1, lastTerm: 1, transfer: true },
      receipt(2),
    ],
    ['wakeAt', 1005],
  ]);
});

const stale: readonly (readonly [why: string, from: string, message: Message])[] = [
  ['of another term', 'b', timeoutNow(2, 1)],
  ['from one who does not lead', 'c', timeoutNow(3, 1)],
  ['sent before the log grew', 'b', timeoutNow(3, 0)],
];
for (const [why, from, message] of stale) {
  test(`rule 33: ignored: a word to take over ${why}`, () => {
    const bench = new Bench({ terms: [1] }).follow('b', 3);
    assert.deepEqual(bench.hear(from, message), []);
  });
}

test('a learner does not take over', () => {
  const bench = new Bench({ voters: 'bcd', learners: 'a' }).follow('b', 3);
  assert.deepEqual(withoutWakes(bench.hear('b', timeoutNow(3, 0))), []);
});

test('a leader stands aside for the successor that it asked', () => {
  const bench = leader();
  bench.tell({ kind: 'transfer', to: 'c' });
  bench.hear('c', { kind: 'vote', term: 2, lastIndex: 1, lastTerm: 1, transfer: true });
  assert.deepEqual(bench.core.hard, { term: 2, votedFor: 'c' });
  bench.hear('c', append(2, [1, 1], [command(2, 2)]));
  assert.equal(statusOf(bench.core, bench.now).leader, 'c');
});
