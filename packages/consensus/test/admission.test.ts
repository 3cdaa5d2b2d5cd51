/** When a newcomer believes that it was admitted: all that it may be told by three voters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdmissionFacts, planAdmission } from '../src/admission.js';
import type { Genesis } from '../src/storage.js';
import { membershipOf } from './core-bench.js';

const founding = membershipOf('abc');

/** What `self` tells: at this index these voted, and these learnt. */
const told = (index: number, voters = 'abc', learners = 'd', rest: Partial<Genesis> = {}) => ({
  ...{ clusterId: 'c-1', self: 'a', membership: founding },
  admitted: { index, membership: membershipOf(voters, learners) },
  ...rest,
});

const facts = (tales: Record<string, Genesis>, rest: Partial<AdmissionFacts> = {}) => ({
  ...{ self: 'd', clusterId: 'c-1', told: new Map(Object.entries(tales)) },
  ...rest,
});

type Row = readonly [why: string, facts: AdmissionFacts, expected: string];
const rows: readonly Row[] = [
  ['nobody told anything', facts({}), 'untold'],
  [
    'a member of a version that tells no membership',
    facts({ a: { clusterId: 'c-1', self: 'a', membership: founding } }),
    'untold',
  ],
  ['one of three is too few', facts({ a: told(5) }), 'tooFew'],
  ['two of three are a majority', facts({ a: told(5), b: told(5) }), 'join'],
  ['learners that tell are no voters', facts({ a: told(5), x: told(5, 'abc', 'dx') }), 'tooFew'],
  ['the newest counts, and who lags counts for it', facts({ a: told(5), b: told(7) }), 'join'],
  [
    'the newest has it as a voter: it was one, and lost its disk',
    facts({ a: told(5), b: told(5), c: told(7, 'abcd', '') }),
    'notLearner',
  ],
  [
    'the newest has it no more',
    facts({ a: told(5), b: told(5), c: told(7, 'abc', '') }),
    'notLearner',
  ],
  [
    'it is a founder that lost its disk',
    facts({ a: told(5, 'ab', 'c'), b: told(5, 'ab', 'c') }, { self: 'c' }),
    'notLearner',
  ],
  [
    'another cluster than its certificate’s',
    facts({ a: told(5), b: told(5) }, { clusterId: 'c-2' }),
    'clusters',
  ],
  [
    'without a certificate, what all say',
    facts({ a: told(5), b: told(5) }, { clusterId: null }),
    'join',
  ],
  [
    'two clusters are for an operator',
    facts({ a: told(5), b: told(5, 'abc', 'd', { clusterId: 'c-2' }) }, { clusterId: null }),
    'clusters',
  ],
  [
    'two foundings under one name are two clusters',
    facts({ a: told(5), b: told(5, 'abc', 'd', { membership: membershipOf('ab') }) }),
    'clusters',
  ],
  ['one voter alone is a majority of itself', facts({ a: told(5, 'a') }), 'join'],
  ['of five, two are too few', facts({ a: told(5, 'abcef'), b: told(5, 'abcef') }), 'tooFew'],
];
for (const [why, given, expected] of rows) {
  test(`${expected}: ${why}`, () => {
    const plan = planAdmission(given);
    assert.equal(plan.kind === 'wait' ? plan.why : plan.kind, expected);
  });
}

test('it takes the founders’ genesis under its own identity, with what admitted it', () => {
  const plan = planAdmission(facts({ a: told(5), b: told(7) }));
  assert.deepEqual(plan, { kind: 'join', genesis: { ...told(7), self: 'd' } });
});

/**
 * The members' logs are a chain of single steps, of which each voter holds a beginning; a majority holds all that
 * is committed. Whoever holds the entry that promotes the newcomer refuses it; the others tell what they hold.
 */
test('however a promotion reached a majority, nobody who was a voter gets in as a newcomer', () => {
  let asked = 0;
  let admitted = 0;
  for (const before of ['a', 'ab', 'abc', 'abce', 'abcef']) {
    // First the newcomer is a learner, at 1; then, maybe, another change, at 2; then it is a voter, at 3.
    for (const between of ['', 'g']) {
      const chain = [
        { index: 1, voters: before, learners: 'd' },
        { index: 2, voters: before + between, learners: 'd' },
        { index: 3, voters: `${before}${between}d`, learners: '' },
      ];
      const others = [...`${before}${between}`];
      const states = 3 ** others.length;
      for (let state = 0; state < states; state += 1) {
        const held = new Map(others.map((id, n) => [id, Math.floor(state / 3 ** n) % 3]));
        const holders = (step: number): number =>
          others.filter((id) => (held.get(id) ?? 0) >= step).length;
        const isMajority = (of: string, count: number): boolean => count * 2 > of.length;
        // The promotion is committed: the newcomer held it itself, before it lost its disk.
        const promoted = isMajority(chain[2]?.voters ?? '', holders(2) + 1);
        const second = isMajority(chain[1]?.voters ?? '', holders(1));
        if (!second) continue;
        // Who does not vote before step 2 is not asked by one who is told of step 1 only; all are linked here.
        const tales = others.flatMap((id) => {
          const step = chain[held.get(id) ?? 0];
          if (step === undefined || step.index === 3) return [];
          return [[id, told(step.index, step.voters, step.learners)] as const];
        });
        for (let absent = 0; absent < 2 ** tales.length; absent += 1) {
          const heard = tales.filter((_, n) => (absent & (2 ** n)) === 0);
          const plan = planAdmission(facts(Object.fromEntries(heard)));
          asked += 1;
          if (plan.kind === 'join') admitted += 1;
          assert.ok(!(promoted && plan.kind === 'join'), `${before}+${between} ${[...held]}`);
        }
      }
    }
  }
  assert.ok(asked > 1000 && admitted > 100, `${asked} asked, ${admitted} admitted`);
});
