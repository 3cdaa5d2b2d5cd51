/** When a version is raised, and what a replica does not begin with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsensusError, type RecoveredLog, type RulesRange } from '../src/index.js';
import { raiseOf, requireLogApplies, requireMessageApplies } from '../src/rules-range.js';
import { append, Bench, type BenchStart, command, membershipOf, rulesEntry } from './core-bench.js';

const to = (newest: number, oldest = 1): RulesRange => ({ oldest, newest });
type Spoken = Readonly<Record<string, RulesRange>>;

function leader(start: BenchStart = {}): Bench {
  const bench = new Bench(start).lead();
  for (const peer of ['b', 'c']) bench.acknowledge(peer, bench.core.log.lastIndex);
  bench.tell({ kind: 'applied', through: bench.core.commit });
  return bench;
}

const raised = (bench: Bench, own: RulesRange, spoken: Spoken): number | null => {
  const note = raiseOf(bench.core, own, (id) => spoken[id] ?? null);
  return note?.kind === 'rules' ? note.version : null;
};

const pupils: BenchStart = { learners: 'd' };
const watched: BenchStart = { witnesses: 'c' };
const at2: BenchStart = { entries: [rulesEntry(1, 1, 2)] };
const rows: readonly (readonly [string, BenchStart, RulesRange, Spoken, number | null])[] = [
  ['all know two', {}, to(2), { b: to(2), c: to(2) }, 2],
  ['the most that all know', {}, to(4), { b: to(3), c: to(5) }, 3],
  ['the leader knows one', {}, to(1), { b: to(2), c: to(2) }, null],
  ['a follower knows one', {}, to(2), { b: to(1), c: to(2) }, null],
  ['a follower is away', {}, to(2), { b: to(2) }, null],
  ['a witness knows one', watched, to(2), { b: to(2), c: to(1) }, null],
  ['a learner knows one', pupils, to(2), { b: to(2), c: to(2), d: to(1) }, null],
  ['a learner is away', pupils, to(2), { b: to(2), c: to(2) }, null],
  ['the learner knows two as well', pupils, to(2), { b: to(2), c: to(2), d: to(2) }, 2],
  ['who is no member is not asked', {}, to(2), { b: to(2), c: to(2), z: to(1) }, 2],
  ['it is in force already', at2, to(2), { b: to(2), c: to(2) }, null],
  ['the next one', at2, to(3), { b: to(3), c: to(3) }, 3],
  ['one has forgotten what the others know', {}, to(2), { b: to(2), c: to(5, 3) }, null],
];
for (const [why, start, own, spoken, version] of rows) {
  test(`${version === null ? 'nothing is raised' : `raised to ${version}`}: ${why}`, () => {
    assert.equal(raised(leader(start), own, spoken), version);
  });
}

test('nothing is raised by a follower, or before the first entry of the term is applied', () => {
  const all = { b: to(2), c: to(2), a: to(2) };
  assert.equal(raised(new Bench().follow('b', 1), to(2), all), null);
  const young = new Bench().lead();
  assert.equal(raised(young, to(2), all), null);
  young.acknowledge('b', 1);
  young.tell({ kind: 'applied', through: 1 });
  assert.equal(raised(young, to(2), all), 2);
});

test('a raise that is not committed yet is not written twice', () => {
  const bench = leader();
  const all = { b: to(2), c: to(2) };
  bench.tell({ kind: 'note', note: { kind: 'rules', version: 2 } });
  assert.ok(bench.core.commit < bench.core.log.lastIndex);
  assert.equal(raised(bench, to(2), all), null);
});

// ---------------------------------------------------------------------- what is not known here

const membership = membershipOf('abc');
const log = (rules: number | null, ...versions: number[]): RecoveredLog => ({
  hard: { term: 1, votedFor: null },
  snapshot: {
    ...{ index: 4, term: 1, membership, state: new Uint8Array() },
    ...(rules !== null && { rules }),
  },
  entries: versions.map((version, n) => rulesEntry(5 + n, 1, version)),
});

const logs: readonly (readonly [string, RulesRange, RecoveredLog, object | null])[] = [
  ['the first version alone', to(1), log(null), null],
  ['all that is in it', to(3), log(2, 3), null],
  ['a snapshot of a later version', to(1), log(2), { version: 2, index: 4 }],
  ['an entry of a later version', to(2), log(2, 3), { version: 3, index: 5 }],
  ['the second entry', to(2), log(null, 2, 3), { version: 3, index: 6 }],
  ['a version that this program has forgotten', to(3, 2), log(null, 2), { version: 1, index: 4 }],
];
for (const [why, own, found, facts] of logs) {
  test(`${facts === null ? 'it begins' : 'it does not begin'}: ${why}`, () => {
    if (facts === null) requireLogApplies(own, found);
    else {
      const differs = (error: unknown) =>
        error instanceof ConsensusError && error.code === 'CONSENSUS_RULES_UNKNOWN';
      assert.throws(() => requireLogApplies(own, found), differs);
      assert.throws(() => requireLogApplies(own, found), { facts: { ...facts, ...own } });
    }
  });
}

test('nor is a later version taken from a leader, in an entry or in a snapshot', () => {
  const code = { code: 'CONSENSUS_RULES_UNKNOWN' };
  const entries = append(3, [0, 0], [command(1, 3), rulesEntry(2, 3, 2)]);
  const { snapshot } = log(2);
  const install = { kind: 'installSnapshot', term: 3, round: 1, snapshot } as const;
  for (const message of [entries, install]) {
    assert.throws(() => requireMessageApplies(to(1), message), code);
    requireMessageApplies(to(2), message);
  }
});
