/** Which states are hashed, which hashes are compared, and what a difference does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StateCheck } from '../src/index.js';
import { requireEqual, StateChecks } from '../src/state-checks.js';

/** A state whose hash is how often it was asked for. */
function counted(everyEntries: number): { checks: StateChecks; asked: () => number } {
  let asked = 0;
  const checks = new StateChecks(everyEntries, () => {
    asked += 1;
    return `hash ${asked}`;
  });
  return { checks, asked: () => asked };
}

const says = (at: number, hash: string) =>
  ({ kind: 'stateHash', index: at + 3, term: 1, at, hash }) as const;

test('a state is hashed at each multiple, and at no other entry', () => {
  const { checks, asked } = counted(10);
  const noted: number[] = [];
  for (let index = 0; index <= 35; index += 1) if (checks.reached(index)) noted.push(index);
  assert.deepEqual([noted, asked()], [[10, 20, 30], 3]);
});

test('what the leader says is held against the own hash of that very entry', () => {
  const { checks } = counted(10);
  assert.deepEqual(checks.reached(10), { kind: 'stateHash', at: 10, hash: 'hash 1' });
  checks.reached(20);
  assert.deepEqual(checks.compare(says(20, 'hash 2')), {
    ...{ at: 20, result: 'equal', own: 'hash 2', leaders: 'hash 2' },
  });
  assert.equal(checks.compare(says(10, 'hash 2')).result, 'differs');
});

test('who was not there has nothing to compare', () => {
  const { checks } = counted(10);
  checks.reached(20);
  const unknown: StateCheck = { at: 10, result: 'unchecked', own: null, leaders: 'any' };
  assert.deepEqual(checks.compare(says(10, 'any')), unknown);
  requireEqual(unknown);
  assert.equal(checks.compare(says(15, 'any')).result, 'unchecked', 'another interval');
});

test('what waits for a word is bounded; the newest stay', () => {
  const { checks } = counted(1);
  for (let index = 1; index <= 1000; index += 1) checks.reached(index);
  assert.equal(checks.compare(says(1000, 'hash 1000')).result, 'equal');
  assert.equal(checks.compare(says(900, 'hash 900')).result, 'equal');
  assert.equal(checks.compare(says(800, 'hash 800')).result, 'unchecked');
});

test('a difference names the entry, both hashes, and what to do', () => {
  const check = { at: 10, result: 'differs', own: 'aa', leaders: 'bb' } as const;
  assert.throws(() => requireEqual(check), {
    code: 'CONSENSUS_STATE_DIFFERS',
    facts: { index: 10, own: 'aa', leaders: 'bb' },
    message: /after entry 10 this replica's state is aa, the leader's was bb/,
    remedy: /states-differ\.md/,
  });
});
