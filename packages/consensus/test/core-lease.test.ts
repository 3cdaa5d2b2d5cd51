/**
 * Lease and check-quorum: how long a leader may believe that it leads.
 *
 * Owns    rules 28, 29, 36 as numbers on the clock.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayServe, statusOf } from '../src/core/index.js';
import { accepted, Bench } from './core-bench.js';

const leaseMs = 16;

/** The round of the last message to `to` among these. */
function roundTo(to: string, outputs: ReturnType<Bench['tell']>): number {
  const rounds = outputs.flatMap(([kind, peer, message]) =>
    kind === 'promise' && peer === to && message.kind === 'append' ? [message.round] : [],
  );
  return rounds.at(-1) ?? assert.fail(`nothing was sent to ${to}`);
}

test('rule 36: the lease counts from the sending of the round that a quorum echoed', () => {
  const bench = new Bench().lead();
  assert.equal(statusOf(bench.core, bench.now).leaseUntil, Number.NEGATIVE_INFINITY);
  const beat = bench.wake(1005);
  bench.now = 1012;
  bench.hear('b', accepted(1, 1, roundTo('b', beat)));
  const status = statusOf(bench.core, bench.now);
  assert.equal(status.leaseUntil, 1005 + leaseMs);
  assert.deepEqual(status.peers[0]?.rttMs, 7);
  assert.deepEqual(status.peers[0]?.lastContact, 1012);
});

test('in a cluster of five the lease waits for the second echo', () => {
  const bench = new Bench({ voters: 'abcde' }).lead();
  const beat = bench.wake(1005);
  bench.hear('b', accepted(1, 1, roundTo('b', beat)));
  assert.equal(statusOf(bench.core, bench.now).leaseUntil, Number.NEGATIVE_INFINITY);
  bench.hear('e', accepted(1, 1, roundTo('e', beat)));
  assert.equal(statusOf(bench.core, bench.now).leaseUntil, 1005 + leaseMs);
});

test('an old echo, or one of a round never sent, moves no lease', () => {
  const bench = new Bench().lead();
  const [first, second] = [bench.wake(1005), bench.wake(1010)];
  bench.hear('b', accepted(1, 1, roundTo('b', second)));
  bench.hear('b', accepted(1, 1, roundTo('b', first)));
  bench.hear('c', accepted(1, 1, 999));
  assert.equal(statusOf(bench.core, bench.now).leaseUntil, 1010 + leaseMs);
});

test('a leader serves with its lease held and its barrier applied, by a fresh clock', () => {
  const bench = new Bench().lead();
  const beat = bench.wake(1005);
  bench.hear('b', accepted(1, 1, roundTo('b', beat)));
  assert.equal(mayServe(bench.core, bench.now), false, 'the empty entry is not applied');
  bench.tell({ kind: 'applied', through: 1 });
  assert.equal(mayServe(bench.core, bench.now), true);
  assert.equal(mayServe(bench.core, 1020.9), true);
  assert.equal(mayServe(bench.core, 1021), false, 'the lease has run out');
});

test('a sole voter’s lease does not run out', () => {
  const bench = new Bench({ voters: 'a' });
  bench.tell({ kind: 'wake' });
  for (let write = 0; write < 2; write += 1) bench.durable();
  bench.tell({ kind: 'applied', through: 1 });
  assert.equal(mayServe(bench.core, 1e9), true);
});

test('rules 28 and 29: a leader that no quorum answers steps down, its tickets unknown', () => {
  const bench = new Bench().lead();
  bench.propose(7, 'x');
  for (const now of [1005, 1010, 1015]) bench.wake(now);
  assert.deepEqual(bench.wake(1020), [
    ['resolve', 7, { kind: 'unknown' }],
    ['changed', { role: 'follower', term: 1, leader: null, reason: 'no_quorum' }],
    ['wakeAt', 1040],
  ]);
  assert.deepEqual(bench.core.hard, { term: 1, votedFor: 'a' });
});

test('one answering follower of two keeps a leader in office, and refusals answer too', () => {
  const bench = new Bench().lead();
  for (let now = 1005; now <= 1100; now += 5) {
    const round = roundTo('b', bench.wake(now));
    bench.hear('b', { ...accepted(1, 0, round), refused: true } as never);
  }
  assert.equal(bench.core.role.kind, 'leader');
});
