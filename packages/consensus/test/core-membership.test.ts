/**
 * Who votes, and in which order they stand.
 *
 * Owns    rule 41 (learners), and the order of succession that all replicas derive alike.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { electionRank, isMember, isSoleVoter, isVoter, peers } from '../src/core/membership.js';
import { Bench, type BenchStart } from './core-bench.js';

const coreOf = (self: string, start: BenchStart = {}) =>
  new Bench({ voters: 'abc', ...start, config: { self } }).core;

test('every voter derives another place, so no two timers collide', () => {
  for (const voters of ['abc', 'abcde', 'cab']) {
    const ranks = [...voters].map((self) => electionRank(coreOf(self, { voters })));
    assert.deepEqual(
      ranks,
      [...voters].map((_, place) => place),
    );
  }
});

test('witnesses come after all that hold a key', () => {
  const ranks = [...'abc'].map((self) => electionRank(coreOf(self, { witnesses: 'a' })));
  assert.deepEqual(ranks, [2, 0, 1]);
});

test('the leader that was lost, and whoever closed its link, do not keep a place', () => {
  const core = coreOf('c');
  core.leader = 'a';
  assert.equal(electionRank(core), 1);
  core.closedLinks.add('b');
  assert.equal(electionRank(core), 0);
});

test('each failure moves the place by one, round and round', () => {
  const core = coreOf('b');
  const ranks = [0, 1, 2, 3].map((failed) => {
    core.failedAttempts = failed;
    return electionRank(core);
  });
  assert.deepEqual(ranks, [1, 2, 0, 1]);
});

test('rule 41: a learner is a member and a peer, and no voter', () => {
  const core = coreOf('a', { learners: 'd' });
  assert.deepEqual(peers(core), ['b', 'c', 'd']);
  assert.deepEqual(
    [isMember(core, 'd'), isVoter(core, 'd'), isMember(core, 'x')],
    [true, false, false],
  );
});

test('alone is only who votes, and nobody else does', () => {
  assert.equal(isSoleVoter(coreOf('a', { voters: 'a', learners: 'b' })), true);
  assert.equal(isSoleVoter(coreOf('b', { voters: 'a', learners: 'b' })), false);
  assert.equal(isSoleVoter(coreOf('a')), false);
});
