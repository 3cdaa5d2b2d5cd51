/**
 * A leader's appends, counts and commits, one call at a time.
 *
 * Owns    rules 10, 12, 17, 19, 22, 24, 26, 29 at the outputs, and how a lagging peer is fed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '../src/core/index.js';
import { accepted, append, Bench, command, receipt, refused, withoutWakes } from './core-bench.js';

/** Leads term 1 with its empty entry on b and c and committed; receipts and rounds 1 and 2 are used. */
const leader = (start: ConstructorParameters<typeof Bench>[0] = {}) => {
  const bench = new Bench(start).lead();
  bench.acknowledge('b', 1);
  bench.acknowledge('c', 1);
  return bench;
};
const x = (index: number, term = 1) => command(index, term, 'x');

test('rules 10 and 12: entries leave before their own write, which counts once durable', () => {
  const bench = leader();
  assert.deepEqual(bench.propose(7, 'x'), [
    ['persist', receipt(3), { entries: [x(2)] }],
    ['promise', 'b', append(1, [1, 1], [x(2)], 1, 3), receipt(1)],
    ['promise', 'c', append(1, [1, 1], [x(2)], 1, 4), receipt(1)],
  ]);
  assert.deepEqual(bench.acknowledge('b', 2, 3), []);
  assert.deepEqual(bench.durable(), [
    ['resolve', 7, { kind: 'committed', term: 1, index: 2 }],
    ['commit', 2],
  ]);
});

test('two followers commit without the leader’s own disk', () => {
  const bench = leader();
  bench.propose(7, 'x');
  bench.acknowledge('b', 2, 3);
  assert.deepEqual(bench.acknowledge('c', 2, 4), [
    ['resolve', 7, { kind: 'committed', term: 1, index: 2 }],
    ['commit', 2],
  ]);
});

test('a commit sends nothing by itself: the next append carries it, or the next beat', () => {
  const bench = leader();
  bench.propose(7, 'x');
  bench.durable();
  assert.deepEqual(bench.acknowledge('b', 2, 3), [
    ['resolve', 7, { kind: 'committed', term: 1, index: 2 }],
    ['commit', 2],
  ]);
  assert.deepEqual(bench.acknowledge('c', 2, 4), []);
  assert.deepEqual(bench.propose(8, 'x'), [
    ['persist', receipt(4), { entries: [x(3)] }],
    ['promise', 'b', append(1, [2, 1], [x(3)], 2, 5), receipt(1)],
    ['promise', 'c', append(1, [2, 1], [x(3)], 2, 6), receipt(1)],
  ]);
  bench.acknowledge('b', 3, 5);
  bench.acknowledge('c', 3, 6);
  assert.equal(bench.core.commit, 3);
  assert.deepEqual(withoutWakes(bench.wake(1005)), [
    ['promise', 'b', append(1, [3, 1], [], 3, 7), receipt(1)],
    ['promise', 'c', append(1, [3, 1], [], 3, 8), receipt(1)],
  ]);
});

test('rule 19: a peer is told of a commit only as far as it acknowledged, with the next append or beat', () => {
  const bench = leader();
  bench.propose(7, 'x');
  bench.durable();
  bench.acknowledge('b', 2, 3);
  // c has entry 2 under way. Before its answer neither an append nor a beat tells it more than 1.
  assert.deepEqual(bench.propose(8, 'x').slice(1), [
    ['promise', 'b', append(1, [2, 1], [x(3)], 2, 5), receipt(1)],
    ['promise', 'c', append(1, [2, 1], [x(3)], 1, 6), receipt(1)],
  ]);
  bench.acknowledge('b', 3, 5);
  assert.deepEqual(withoutWakes(bench.wake(1005)), [
    ['promise', 'b', append(1, [3, 1], [], 2, 7), receipt(1)],
    ['promise', 'c', append(1, [1, 1], [], 1, 8), receipt(1)],
    // Unanswered for a beat: is it lost, or being written?
    ['promise', 'c', append(1, [3, 1], [], 1, 9), receipt(1)],
  ]);
  // Its answer for 2 brings it no news; the append and the beat after that do.
  assert.deepEqual(bench.acknowledge('c', 2, 4), []);
  assert.deepEqual(bench.propose(9, 'x').slice(1), [
    ['promise', 'b', append(1, [3, 1], [x(4)], 2, 10), receipt(1)],
    ['promise', 'c', append(1, [3, 1], [x(4)], 2, 11), receipt(1)],
  ]);
  assert.deepEqual(withoutWakes(bench.wake(1010)).slice(2, 3), [
    ['promise', 'c', append(1, [2, 1], [], 2, 14), receipt(1)],
  ]);
});

test('rule 17: an older term’s entry on a majority does not commit by counting', () => {
  const bench = new Bench({ terms: [1, 2] }).campaign();
  bench.hear('b', { kind: 'voteReply', term: 3, granted: true });
  assert.deepEqual(withoutWakes(bench.acknowledge('b', 2, 1)), [
    // It joins; the empty entry goes again, now in the pipeline.
    ['promise', 'b', append(3, [2, 2], [{ kind: 'empty', index: 3, term: 3 }], 0, 3), receipt(1)],
  ]);
  bench.durable();
  assert.equal(bench.core.commit, 0);
  assert.deepEqual(withoutWakes(bench.acknowledge('b', 3, 1)), [['commit', 3]]);
});

test('rule 22: a refusal moves next by its hint, and match by nothing', () => {
  const bench = new Bench({ terms: [1, 1, 1, 1] }).lead();
  assert.deepEqual(withoutWakes(bench.hear('b', refused(2, 2, 1, 1))), [
    [
      'promise',
      'b',
      append(2, [2, 1], [command(3, 1), command(4, 1), { kind: 'empty', index: 5, term: 2 }], 0, 3),
      receipt(1),
    ],
  ]);
  const peer = statusOf(bench.core, bench.now).peers[0];
  assert.deepEqual([peer?.match, peer?.next, peer?.mode], [0, 3, 'probe']);
  assert.equal(bench.core.commit, 0);
});

test('rule 24: a late acknowledgement takes nothing back', () => {
  const bench = leader();
  bench.propose(7, 'x');
  bench.acknowledge('b', 2, 3);
  assert.deepEqual(bench.acknowledge('b', 1, 1), []);
  assert.equal(statusOf(bench.core, bench.now).peers[0]?.match, 2);
});

test('rule 41: learners are fed and not counted', () => {
  const bench = new Bench({ voters: 'abc', learners: 'de' }).lead();
  bench.acknowledge('d', 1);
  bench.acknowledge('e', 1);
  assert.equal(bench.core.commit, 0);
  bench.acknowledge('c', 1);
  assert.equal(bench.core.commit, 1);
});

test('rule 26: the window closes, and an acknowledgement lets the rest go in one message', () => {
  const bench = leader({ voters: 'ab', config: { maxInflightAppends: 2 } });
  for (const ticket of [1, 2, 3, 4]) bench.propose(ticket, 'x');
  assert.equal(statusOf(bench.core, bench.now).peers[0]?.next, 4);
  assert.deepEqual(bench.acknowledge('b', 2, 2), [
    ['promise', 'b', append(1, [3, 1], [x(4), x(5)], 1, 4), receipt(1)],
  ]);
});

test('one append is bounded in bytes', () => {
  const bench = leader({ config: { maxAppendBytes: 70, maxInflightAppends: 1 } });
  for (const ticket of [1, 2, 3, 4]) bench.propose(ticket, 'x');
  const sent = bench.acknowledge('b', 2, 9).flatMap(([kind, , message]) => {
    return kind === 'promise' && message.kind === 'append' ? [message.entries.length] : [];
  });
  assert.deepEqual(sent, [2]);
});

test('rule 26: a proposal beyond the uncommitted bound is refused with nothing appended', () => {
  const bench = leader({ config: { maxUncommittedBytes: 70 } });
  bench.propose(1, 'x');
  bench.propose(2, 'x');
  assert.deepEqual(bench.propose(3, 'x'), [['resolve', 3, { kind: 'notLeader', leader: 'a' }]]);
  bench.acknowledge('b', 3);
  bench.acknowledge('c', 3);
  assert.equal(bench.propose(4, 'x').length, 3);
});

test('with nothing before it even a proposal over the bound goes', () => {
  const bench = leader({ config: { maxUncommittedBytes: 40 } });
  assert.equal(bench.propose(1, 'a command of more than forty bytes, all told').length, 3);
});

test('who does not lead takes no proposal, and says who leads', () => {
  const bench = new Bench().follow('b', 3);
  assert.deepEqual(bench.propose(1, 'x'), [['resolve', 1, { kind: 'notLeader', leader: 'b' }]]);
});

test('rule 29: a leader that steps down answers what is open with unknown', () => {
  const bench = leader();
  bench.propose(7, 'x');
  bench.propose(8, 'x');
  assert.deepEqual(withoutWakes(bench.hear('b', refused(9, 0, 0))), [
    ['persist', receipt(5), { hard: { term: 9, votedFor: null } }],
    ['resolve', 7, { kind: 'unknown' }],
    ['resolve', 8, { kind: 'unknown' }],
    ['changed', { role: 'follower', term: 9, leader: null, reason: 'higher_term' }],
  ]);
});

test('a lost append is found out by the question after it', () => {
  const bench = leader();
  bench.propose(7, 'x');
  bench.wake(1005);
  // Round 6 asked b about entry 2; it never arrived there.
  assert.deepEqual(bench.hear('b', refused(1, 1, 1, 6)), [
    ['promise', 'b', append(1, [1, 1], [x(2)], 1, 9), receipt(1)],
  ]);
});

test('a new connection need not wait for a beat', () => {
  const bench = leader();
  bench.propose(7, 'x');
  bench.tell({ kind: 'link', peer: 'b', state: 'closed' });
  assert.deepEqual(bench.tell({ kind: 'link', peer: 'b', state: 'up' }), [
    ['promise', 'b', append(1, [1, 1], [x(2)], 1, 5), receipt(1)],
  ]);
});

test('rules 8 and 23: answers of an older term count for nothing', () => {
  const bench = new Bench({ hard: { term: 4, votedFor: null } }).lead();
  assert.deepEqual(bench.hear('b', accepted(4, 1)), []);
  assert.equal(bench.core.commit, 0);
});
