/**
 * Snapshots: offered, installed, ignored; and compaction.
 *
 * Owns    rules 44, 45, 46 at the outputs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onViolation } from '@cometkms/invariant';
import type { Message, Snapshot } from '../src/core/index.js';
import {
  accepted,
  append,
  Bench,
  command,
  membershipOf,
  receipt,
  refused,
  withoutWakes,
} from './core-bench.js';

const snapshotAt = (index: number, term: number, voters = 'abc'): Snapshot => ({
  index,
  term,
  membership: membershipOf(voters),
  state: Uint8Array.of(index),
});
const install = (snapshot: Snapshot, round = 1): Message => ({
  kind: 'installSnapshot',
  term: 3,
  snapshot,
  round,
});

test('rule 44: state, membership, place and the end of the old log are one batch', () => {
  const bench = new Bench({ terms: [1, 1, 2] }).follow('b', 3);
  const snapshot = snapshotAt(9, 3, 'abcd');
  assert.deepEqual(bench.hear('b', install(snapshot)), [
    ['persist', receipt(2), { snapshot, resetLog: true }],
    ['restore', snapshot],
    ['promise', 'b', accepted(3, 9), receipt(2)],
  ]);
  assert.deepEqual([bench.core.commit, bench.core.applied, bench.core.log.lastIndex], [9, 9, 9]);
  // The membership is the snapshot's: d votes now.
  bench.wake(bench.core.electionDeadline);
  const asked = bench.core.snapshot.membership.voters.map((member) => member.id);
  assert.deepEqual(asked, ['a', 'b', 'c', 'd']);
});

test('rule 44: a snapshot of another history replaces a log that is longer', () => {
  const bench = new Bench({ terms: [1, 1, 1, 1] }).follow('b', 3);
  bench.hear('b', install(snapshotAt(2, 2)));
  assert.equal(bench.core.log.lastIndex, 2);
});

test('rule 45: a snapshot that the log contains keeps the suffix, and commits', () => {
  const bench = new Bench({ terms: [1, 2, 2] }).follow('b', 3);
  assert.deepEqual(bench.hear('b', install(snapshotAt(2, 2))), [
    ['commit', 2],
    ['promise', 'b', accepted(3, 2), receipt(1)],
  ]);
  assert.equal(bench.core.log.lastIndex, 3);
});

test('rule 45: it vouches for entries under way only once they are durable', () => {
  const bench = new Bench().follow('b', 3);
  bench.hear('b', append(3, [0, 0], [command(1, 3), command(2, 3)]));
  assert.deepEqual(bench.hear('b', install(snapshotAt(2, 3), 2)), [
    ['commit', 2],
    ['promise', 'b', accepted(3, 2, 2), receipt(2)],
  ]);
});

test('rule 46: a snapshot behind the commit index changes nothing', () => {
  const bench = new Bench({ terms: [1, 2, 2] }).follow('b', 3);
  bench.hear('b', append(3, [3, 2], [], 3));
  assert.deepEqual(bench.hear('b', install(snapshotAt(2, 2))), [
    ['promise', 'b', accepted(3, 2), receipt(1)],
  ]);
  assert.deepEqual([bench.core.commit, bench.core.snapshot.index], [3, 0]);
});

test('rule 46: nor does one behind our own, whose entries are long gone', () => {
  const bench = new Bench({ snapshot: { index: 5, term: 2 }, terms: [2] }).follow('b', 3);
  assert.deepEqual(bench.hear('b', install(snapshotAt(3, 1))), [
    ['promise', 'b', accepted(3, 3), receipt(1)],
  ]);
  assert.deepEqual([bench.core.snapshot.index, bench.core.log.lastIndex], [5, 6]);
});

test('rule 8: a snapshot from the leader of a term that is over is refused', () => {
  const bench = new Bench().follow('c', 7);
  assert.deepEqual(bench.hear('b', install(snapshotAt(9, 3))), [
    ['promise', 'b', refused(7, 0, 0), receipt(1)],
  ]);
});

/** Leads term 2 after a snapshot at 5; the empty entry is 6. */
const leader = () => new Bench({ snapshot: { index: 5, term: 1 } }).lead();

test('a peer that needs what is compacted is sent the snapshot, again after a timeout', () => {
  const bench = leader();
  const { snapshot } = bench.core;
  const offer = { kind: 'installSnapshot', term: 2, snapshot, round: 3 } as const;
  assert.deepEqual(bench.hear('b', refused(2, 2, 1, 1)), [['promise', 'b', offer, receipt(1)]]);
  const beats = (now: number) =>
    bench.wake(now).flatMap((out) => (out[0] === 'promise' && out[1] === 'b' ? [out[2].kind] : []));
  assert.deepEqual(beats(1005), ['append']);
  bench.hear('b', refused(2, 2, 1, 4));
  bench.hear('c', accepted(2, 6, 2));
  assert.deepEqual(beats(1010), ['append']);
  bench.hear('c', accepted(2, 6, 6));
  assert.deepEqual(beats(1020), ['append', 'installSnapshot']);
});

test('once installed, the peer is fed from there', () => {
  const bench = leader();
  bench.hear('b', refused(2, 2, 1, 1));
  assert.deepEqual(withoutWakes(bench.hear('b', accepted(2, 5, 3))), [
    ['promise', 'b', append(2, [5, 1], [{ kind: 'empty', index: 6, term: 2 }], 5, 4), receipt(1)],
  ]);
});

test('compaction keeps what follows, and is ignored where a snapshot went further', () => {
  const bench = new Bench({ terms: [1, 2, 2] }).follow('b', 3);
  bench.hear('b', append(3, [3, 2], [], 3));
  bench.tell({ kind: 'applied', through: 3 });
  const compact = (index: number) =>
    bench.tell({ kind: 'compact', index, state: Uint8Array.of(index) });
  assert.deepEqual(compact(2), [['persist', receipt(2), { snapshot: snapshotAt(2, 2) }]]);
  assert.deepEqual([bench.core.log.prefixIndex, bench.core.log.lastIndex], [2, 3]);
  assert.deepEqual(compact(1), []);
});

test('what is not applied is not compacted', (t) => {
  t.after(
    onViolation((violation) => {
      throw violation;
    }),
  );
  const bench = new Bench({ terms: [1] }).follow('b', 3);
  const input = { kind: 'compact', index: 1, state: new Uint8Array() } as const;
  assert.throws(() => bench.tell(input), /only applied entries/);
});

test('a leader that compacted beyond what is under way offers the snapshot instead', () => {
  const bench = new Bench().lead();
  bench.acknowledge('b', 1);
  bench.acknowledge('c', 1);
  bench.tell({ kind: 'link', peer: 'c', state: 'closed' });
  for (const ticket of [1, 2]) bench.propose(ticket, 'x');
  bench.durable();
  bench.acknowledge('b', 3);
  bench.tell({ kind: 'applied', through: 3 });
  bench.tell({ kind: 'compact', index: 3, state: new Uint8Array() });
  const toC = bench.wake(1005).filter((out) => out[0] === 'promise' && out[1] === 'c');
  assert.deepEqual(
    toC.map((out) => (out[0] === 'promise' ? out[2].kind : '')),
    ['installSnapshot'],
  );
});
