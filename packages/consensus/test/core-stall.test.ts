/**
 * A process that stood still: what it may conclude, which is nothing about others.
 *
 * Owns    the late-wake rule of docs/architecture.md, 4.5.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayServe, statusOf } from '../src/core/index.js';
import { accepted, append, Bench, withoutWakes } from './core-bench.js';

/** With a tick of grace to see: election timeout 20, so late means by more than 10. */
const follower = () => {
  const bench = new Bench().follow('b', 3);
  bench.wake(1001);
  return bench;
};

test('a late wake gives a grace of half a timeout before campaigning', () => {
  const bench = follower();
  assert.deepEqual(bench.wake(1031), [['wakeAt', 1041]]);
  assert.equal(bench.core.role.kind, 'follower');
  bench.wake(1041);
  assert.equal(bench.core.role.kind, 'preCandidate');
});

test('a wake that is a little late is no stall', () => {
  const bench = follower();
  bench.wake(1030);
  assert.equal(bench.core.role.kind, 'preCandidate');
  assert.equal(statusOf(bench.core, 1030).stalls.count, 0);
});

test('a heartbeat that waited in the socket is heard before the timer, and settles it', () => {
  const bench = follower();
  bench.now = 1500;
  bench.hear('b', append(3, [0, 0], []));
  assert.deepEqual(bench.core.electionDeadline > 1500, true);
  bench.wake(1500);
  assert.equal(bench.core.role.kind, 'follower');
});

test('stalls are reported, raise the timeout at most fourfold, and are forgotten', () => {
  const bench = follower();
  bench.wake(1035);
  const { stalls, electionTimeoutMs } = statusOf(bench.core, 1035);
  assert.deepEqual(stalls, { count: 1, lastMs: 15, longestMs: 15 });
  assert.equal(electionTimeoutMs, 35);
  bench.now = 9000;
  bench.hear('b', append(3, [0, 0], []));
  assert.equal(statusOf(bench.core, 9000).electionTimeoutMs, 80);
  assert.equal(bench.core.electionDeadline, 9080);
  assert.equal(statusOf(bench.core, 69_000).electionTimeoutMs, 20);
});

test('a paused leader wakes: it may not serve, and stays only if others answer', () => {
  const wakeUp = () => {
    const bench = new Bench().lead();
    bench.wake(1005);
    bench.hear('b', accepted(1, 1, 3));
    bench.tell({ kind: 'applied', through: 1 });
    assert.equal(mayServe(bench.core, 1005), true);
    assert.equal(mayServe(bench.core, 1400), false, 'even before it is told that time passed');
    const beats = withoutWakes(bench.wake(1400));
    assert.equal(bench.core.role.kind, 'leader');
    assert.equal(mayServe(bench.core, 1400), false);
    return { bench, rounds: beats.flatMap(([, , m]) => (typeof m === 'object' ? [m] : [])) };
  };
  const silent = wakeUp().bench;
  silent.wake(1405);
  silent.wake(1410);
  assert.equal(silent.core.role.kind, 'follower');
  const answered = wakeUp();
  const first = answered.rounds.find((m) => 'round' in m);
  answered.bench.hear(
    'b',
    accepted(1, 1, first !== undefined && 'round' in first ? first.round : 0),
  );
  answered.bench.wake(1410);
  assert.equal(answered.bench.core.role.kind, 'leader');
  assert.equal(mayServe(answered.bench.core, 1410), true);
});

test('answers to what it sent before the pause keep it in office but give no lease', () => {
  const bench = new Bench().lead();
  bench.wake(1005);
  bench.now = 1400;
  bench.hear('b', accepted(1, 1, 3));
  bench.tell({ kind: 'applied', through: 1 });
  bench.wake(1411);
  assert.equal(bench.core.role.kind, 'leader');
  assert.equal(mayServe(bench.core, 1411), false);
});

test('a paused leader does not stand by itself: it grants a pre-vote when it wakes', () => {
  const bench = new Bench().lead();
  bench.now = 1400;
  const asked = { kind: 'preVote', term: 2, lastIndex: 1, lastTerm: 1 } as const;
  assert.deepEqual(withoutWakes(bench.hear('c', asked)), [
    ['send', 'c', { kind: 'preVoteReply', term: 2, granted: true }],
  ]);
});
