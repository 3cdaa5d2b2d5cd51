/**
 * What a core shows of itself.
 *
 * Owns    the whole view in one leader and one follower, and whom each has heard.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quorumContact, statusOf } from '../src/core/index.js';
import { Bench } from './core-bench.js';

test('a leader shows its peers, its lease and its barrier', () => {
  const bench = new Bench({ learners: 'd' }).lead();
  bench.now = 1002;
  bench.acknowledge('b', 1, 1);
  const never = { voter: true, match: 0, next: 1, mode: 'probe', lastContact: 1000, rttMs: null };
  assert.deepEqual(statusOf(bench.core, bench.now), {
    role: 'leader',
    term: 1,
    leader: 'a',
    snapshotIndex: 0,
    lastIndex: 1,
    durableIndex: 1,
    commit: 1,
    applied: 0,
    rules: 1,
    leaseUntil: 1016,
    barrierApplied: false,
    transferTo: null,
    peers: [
      { id: 'b', voter: true, match: 1, next: 2, mode: 'pipeline', lastContact: 1002, rttMs: 2 },
      { ...never, id: 'c' },
      { ...never, id: 'd', voter: false },
    ],
    contact: { voters: ['a', 'b'], quorum: true },
    stalls: { count: 0, lastMs: 0, longestMs: 0 },
    electionTimeoutMs: 20,
  });
  bench.tell({ kind: 'applied', through: 1 });
  assert.equal(statusOf(bench.core, bench.now).barrierApplied, true);
});

test('a follower shows whom it follows, and no lease', () => {
  const bench = new Bench({ terms: [1] }).follow('b', 3);
  const { role, leader, leaseUntil, barrierApplied, peers } = statusOf(bench.core, bench.now);
  assert.deepEqual(
    { role, leader, leaseUntil, barrierApplied, peers },
    { role: 'follower', leader: 'b', leaseUntil: null, barrierApplied: false, peers: [] },
  );
});

test('contact lasts one election timeout, counts voters alone, and itself where it votes', () => {
  const bench = new Bench({ voters: 'abcde', learners: 'f' }).follow('b', 3);
  const asked = { kind: 'preVote', term: 1, lastIndex: 0, lastTerm: 0 } as const;
  bench.hear('f', asked);
  assert.deepEqual(quorumContact(bench.core, 1019), { voters: ['a', 'b'], quorum: false });
  bench.hear('c', asked);
  assert.deepEqual(quorumContact(bench.core, 1019), { voters: ['a', 'b', 'c'], quorum: true });
  assert.deepEqual(quorumContact(bench.core, 1020), { voters: ['a'], quorum: false });
});
