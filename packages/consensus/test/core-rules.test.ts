/** Which rules an entry is applied by is a function of the log; and who may write such an entry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Note, rulesAt } from '../src/core/index.js';
import {
  append,
  Bench,
  command,
  entriesOf,
  membershipOf,
  type Output,
  receipt,
  rulesEntry,
} from './core-bench.js';

const raise = (version: number): Note => ({ kind: 'rules', version });
const note = (bench: Bench, of: Note): readonly Output[] => bench.tell({ kind: 'note', note: of });
const written = (outputs: readonly Output[]) =>
  outputs.flatMap((out) => (out[0] === 'persist' ? (out[2].entries ?? []) : []));
const inForce = (bench: Bench, ...indexes: number[]) => indexes.map((i) => rulesAt(bench.core, i));

test('a version counts for what comes after its entry, and not before', () => {
  const entries = [command(1, 1), rulesEntry(2, 1, 2), command(3, 1), rulesEntry(4, 1, 5)];
  assert.deepEqual(inForce(new Bench({ entries }), 0, 1, 2, 3, 4), [1, 1, 2, 2, 5]);
});

test('a leader writes it, and sends it to all; anybody else writes nothing', () => {
  const leader = new Bench().lead();
  const outputs = note(leader, raise(2));
  assert.deepEqual(written(outputs), [rulesEntry(2, 1, 2)]);
  assert.deepEqual(inForce(leader, 1, 2), [1, 2]);
  const follower = new Bench().follow('b', 1);
  assert.deepEqual(note(follower, raise(2)), []);
  const handsOver = new Bench().lead();
  handsOver.acknowledge('b', 1);
  handsOver.tell({ kind: 'transfer', to: 'b' });
  assert.deepEqual(written(note(handsOver, raise(2))), [], 'whom it hands over to is not outrun');
});

test('versions only rise along a log, also over one that is not committed', () => {
  const leader = new Bench().lead();
  assert.equal(written(note(leader, raise(1))).length, 0);
  assert.equal(written(note(leader, raise(3))).length, 1);
  assert.ok(leader.core.commit < 2);
  for (const version of [1, 2, 3]) assert.equal(written(note(leader, raise(version))).length, 0);
  assert.equal(written(note(leader, raise(4))).length, 1);
});

test('a hash of the state is an entry like others, and may come again', () => {
  const leader = new Bench().lead();
  const hash: Note = { kind: 'stateHash', at: 1, hash: 'c0'.repeat(32) };
  assert.deepEqual(written(note(leader, hash)), [{ ...hash, index: 2, term: 1 }]);
  assert.deepEqual(written(note(leader, hash)), [{ ...hash, index: 3, term: 1 }]);
});

test('a full tail takes none: the leader offers it again later (rule 26)', () => {
  const leader = new Bench({ config: { maxUncommittedBytes: 100 } }).lead();
  leader.propose(1, 'x'.repeat(20));
  assert.deepEqual(note(leader, raise(2)), []);
  leader.durable();
  leader.acknowledge('b', 2);
  assert.equal(written(note(leader, raise(2))).length, 1);
});

test('a version goes with its entry where that is truncated', () => {
  const bench = new Bench({ entries: [command(1, 1), rulesEntry(2, 1, 2)] }).follow('b', 3);
  assert.deepEqual(inForce(bench, 2), [2]);
  bench.hear('b', append(3, [1, 1], [command(2, 3)]));
  assert.deepEqual(inForce(bench, 2), [1]);
});

test('a snapshot carries the version at its index, and none while that is the first', () => {
  const entries = [command(1, 1), rulesEntry(2, 1, 2), command(3, 1), rulesEntry(4, 1, 3)];
  const bench = new Bench({ entries }).follow('b', 1);
  bench.hear('b', append(1, [4, 1], [], 4));
  bench.tell({ kind: 'applied', through: 4 });
  const compacted = (index: number) => {
    bench.tell({ kind: 'compact', index, state: new Uint8Array() });
    return bench.core.snapshot;
  };
  assert.equal('rules' in compacted(1), false);
  assert.equal(compacted(3).rules, 2, 'not the one in force, which is later');
  assert.deepEqual(inForce(bench, 3, 4), [2, 3]);
  assert.equal(compacted(4).rules, 3);
  assert.deepEqual(inForce(bench, 4), [3]);
});

test('an installed snapshot brings its version, whatever the old log said', () => {
  const bench = new Bench({ entries: [command(1, 1), rulesEntry(2, 1, 9)] }).follow('b', 3);
  const place = { index: 7, term: 3, membership: membershipOf('abc') };
  const snapshot = { ...place, rules: 4, state: new Uint8Array() };
  bench.hear('b', { kind: 'installSnapshot', term: 3, round: 1, snapshot });
  assert.deepEqual(inForce(bench, 7), [4]);
  const persisted = bench.hear('b', append(3, [7, 3], [command(8, 3)]));
  assert.deepEqual(persisted[0]?.slice(0, 2), ['persist', receipt(3)]);
  assert.deepEqual(inForce(bench, 8), [4]);
});

test('a log without any is applied by the first version', () => {
  const bench = new Bench({ entries: entriesOf(1, 1) });
  assert.deepEqual(inForce(bench, 0, 1, 2), [1, 1, 1]);
});
