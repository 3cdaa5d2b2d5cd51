/** Of the requests around a fault, what the validator waited: after the fault, for a signature, for the longest one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interruption } from '../src/suites/interruption.js';
import type { Asked } from '../src/validator/busy-validator.js';

/** Each asked for as soon as the one before was answered. @param answers when, and whether refused; after that tries */
function inTurn(
  ...answers: readonly (readonly [atMs: number, how?: 'signed' | 'refused', tries?: number])[]
): readonly Asked[] {
  return answers.map(([answeredAtMs, how = 'signed', tries = 1], i) => ({
    askedAtMs: answers[i - 1]?.[0] ?? 0,
    answeredAtMs,
    refused: how === 'refused' ? 'no quorum' : null,
    tries,
  }));
}

const rows: readonly (readonly [
  why: string,
  asked: readonly Asked[],
  faultAtMs: number,
  found: ReturnType<typeof interruption>,
])[] = [
  [
    'the request that was under way counts from the fault',
    inTurn([2], [4], [206, 'signed', 3], [208]),
    5,
    { waitMs: 201, tries: 3, longestGapMs: 202 },
  ],
  [
    'an answer that was on its way is not what the fault cost',
    inTurn([2], [4], [6], [106, 'signed', 2], [108]),
    5,
    { waitMs: 100, tries: 2, longestGapMs: 100 },
  ],
  [
    'a fault that bites late counts from the request that it hit',
    inTurn([2], [4], [6], [8], [28], [30]),
    5,
    { waitMs: 20, tries: 1, longestGapMs: 20 },
  ],
  [
    'after a refusal the validator waits on',
    inTurn([2], [50, 'refused'], [90, 'refused'], [100], [102]),
    10,
    { waitMs: 90, tries: 1, longestGapMs: 98 },
  ],
  [
    'what happened before the fault is not counted',
    inTurn([2], [502], [510, 'refused'], [512], [514], [516]),
    513,
    { waitMs: 2, tries: 1, longestGapMs: 2 },
  ],
];
for (const [why, asked, faultAtMs, found] of rows) {
  test(why, () => assert.deepEqual(interruption(asked, faultAtMs), found));
}

test('without a signature after the fault there is nothing to say', () => {
  assert.throws(() => interruption(inTurn([2], [4, 'refused']), 3), /no signature/);
});
