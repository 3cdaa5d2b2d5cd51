/**
 * The invariants about who is a member see what they are there for, and nothing else.
 *
 * Owns    one broken and one sound history for each, written by hand. That a simulated world reaches such histories is
 *         what the planted bugs prove (planted.test.ts).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry, Genesis, Member, Membership } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import { ChangesOneAtATime } from '../src/invariants/changes-one-at-a-time.js';
import { ConfigurationOfItsLog } from '../src/invariants/configuration-of-its-log.js';
import { OneGenesis } from '../src/invariants/one-genesis.js';
import { WitnessesServeNobody } from '../src/invariants/witnesses-serve-nobody.js';
import type { At } from '../src/observations.js';
import { Violation } from '../src/violation.js';

const at = (name: string, start = 1): At => ({ replica: name, id: name, start });
const member = (id: string): Member => ({ id, name: id, address: `${id}:1`, witness: false });
const list = (names: string): Member[] => names.split('').map(member);
const membership = (voters: string, learners = '', departed = ''): Membership => ({
  voters: list(voters),
  learners: list(learners),
  ...(departed === '' ? {} : { departed: list(departed) }),
});
const change = (index: number, term: number, to: Membership): Entry => ({
  ...{ kind: 'membership', index, term, membership: to },
});
const genesis = (self: string, admitted: Membership | null): Genesis => ({
  ...{ clusterId: 'c-1', self, membership: membership('abc') },
  ...(admitted === null ? {} : { admitted: { index: 4, membership: admitted } }),
});

const breaks = (work: () => void, saw: RegExp): void => {
  assert.throws(work, (error: unknown) => error instanceof Violation && saw.test(error.saw));
};

/** A leader of this term, whose first entry is at 1. */
function leading(term: number, entries: readonly Entry[]): Core {
  return {
    role: { kind: 'leader', barrierIndex: 1 },
    hard: { term, votedFor: null },
    log: {
      lastIndex: entries.at(-1)?.index ?? 1,
      entryAt: (index: number) => entries.find((one) => one.index === index) ?? null,
    },
  } as unknown as Core;
}

/** @param terms  of what is committed, from 1 on */
function changes(terms: readonly number[]): ChangesOneAtATime {
  const judged = new ChangesOneAtATime(
    (index) => terms[index - 1] ?? null,
    () => terms.length,
  );
  judged.logBegun(at('a'), [{ genesis: genesis('a', null) }]);
  return judged;
}

test('a leader changes members once something of its term is committed', () => {
  const made = leading(2, [change(2, 2, membership('abc', 'd'))]);
  changes([2]).stepped(at('a'), made);
  breaks(() => changes([]).stepped(at('a'), made), /of which nothing is committed/);
  breaks(() => changes([1]).stepped(at('a'), made), /of which nothing is committed/);
});

test('a second change waits for the first', () => {
  const first = change(2, 2, membership('abc', 'd'));
  const both = leading(2, [first, change(3, 2, membership('abcd'))]);
  changes([2, 2]).stepped(at('a'), both);
  breaks(() => changes([2]).stepped(at('a'), both), /the change 2 is not committed/);
});

const broken: readonly (readonly [string, readonly Membership[], RegExp])[] = [
  ['two voters at once', [membership('a', '', 'bc')], /at once/],
  ['a voter that was no learner', [membership('abcd')], /never a learner/],
  [
    'one that left and comes again',
    [membership('ab', '', 'c'), membership('ab', 'c', 'c')],
    /who had left/,
  ],
  ['one that left without a word', [membership('ab')], /forgets/],
  ['one twice', [membership('abc', 'a')], /one twice/],
];
for (const [name, steps, saw] of broken) {
  test(`committed memberships: ${name} is seen`, () => {
    const judged = changes([]);
    breaks(() => {
      for (const [n, step] of steps.entries()) judged.committed(n + 2, change(n + 2, 1, step));
    }, saw);
  });
}

test('committed memberships: come, be promoted, replace and leave', () => {
  const judged = changes([]);
  const seen: number[] = [];
  judged.changed = (before, after) => seen.push(after.voters.length - before.voters.length);
  const steps = [
    membership('abc', 'd'),
    membership('abcd'),
    membership('abd', 'e', 'c'),
    membership('abde', '', 'c'),
    membership('bde', '', 'ca'),
  ];
  for (const [n, step] of steps.entries()) judged.committed(n + 2, change(n + 2, 1, step));
  assert.deepEqual(seen, [0, 1, -1, 1, -1]);
  assert.equal(judged.current, steps.at(-1));
});

test('who goes by another membership than its log says is seen, and only then', () => {
  const entries = [change(1, 1, membership('abc', 'd')), change(2, 1, membership('abcd'))];
  const core = (last: number, used: Membership): Core =>
    ({
      commit: 0,
      snapshot: { index: 0, membership: membership('abc') },
      log: {
        ...{ lastIndex: last, prefixIndex: 0 },
        termAt: () => 1,
        entryAt: (index: number) => entries[index - 1] ?? null,
        membershipAt: () => ({ index: last, membership: used }),
      },
    }) as unknown as Core;
  const judged = new ConfigurationOfItsLog();
  judged.stepped(at('a'), core(0, membership('abc')));
  judged.stepped(at('a'), core(2, membership('abcd')));
  // Truncated: the one before it holds again.
  judged.stepped(at('a'), core(1, membership('abc', 'd')));
  judged.stepped(at('a'), core(2, membership('abcd')));
  breaks(() => judged.stepped(at('a'), core(1, membership('abcd'))), /its log to 1 says/);
  breaks(() => judged.stepped(at('a', 2), core(1, membership('abc'))), /its log to 1 says/);
});

test('a witness is asked nothing and says nothing; others are', () => {
  const judged = new WitnessesServeNobody();
  judged.homeMade('a', false);
  judged.homeMade('w', true);
  for (const seen of ['keyOpened', 'linkOpened', 'serving'] as const) {
    judged[seen](at('a'));
    breaks(() => judged[seen](at('w')), /^w /);
  }
});

test('who comes later begins as the founders did, and only as a learner that was admitted', () => {
  const logs = {
    acknowledged: () => assert.fail('not asked'),
    whoRecordedJoined: () => [],
  };
  const begins = (self: string, admitted: Membership | null) => (): void => {
    const judged = new OneGenesis(logs);
    judged.logBegun(at('a'), [{ genesis: genesis('a', null) }]);
    judged.logBegun(at(self), [{ genesis: genesis(self, admitted) }]);
  };
  begins('d', membership('abc', 'd'))();
  breaks(begins('d', null), /founds/);
  breaks(begins('d', membership('abcd')), /founds/);
  breaks(begins('a', membership('bc', 'a')), /founds/);
});
