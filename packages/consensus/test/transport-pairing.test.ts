/** Which of several connections is offered: one at a time, a new run of the peer at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextToOffer, offers } from '../src/transport/pairing.js';

type Row = readonly [
  says: string,
  candidates: readonly (readonly [runId: string, offered: boolean])[],
  linkedRunId: string | null,
  offered: number | null,
];

const rows: readonly Row[] = [
  ['nobody is there', [], null, null],
  ['the only one is offered', [['r1', false]], null, 0],
  [
    'while one is offered, others wait',
    [
      ['r1', true],
      ['r1', false],
    ],
    null,
    null,
  ],
  ['while one is linked, others of the same run wait', [['r1', false]], 'r1', null],
  ['a new run of the peer does not wait for its dead link', [['r2', false]], 'r1', 0],
  [
    'of several the newest',
    [
      ['r1', false],
      ['r2', false],
    ],
    null,
    1,
  ],
  [
    'of a linked run and a new one, the new one',
    [
      ['r2', false],
      ['r1', false],
    ],
    'r1',
    0,
  ],
];

for (const [says, some, linkedRunId, expected] of rows) {
  test(says, () => {
    const candidates = some.map(([runId, offered]) => ({ runId, offered }));
    const chosen = nextToOffer(candidates, linkedRunId);
    assert.equal(chosen === null ? null : candidates.indexOf(chosen), expected);
  });
}

test('of two, exactly one offers', () => {
  assert.notEqual(offers('a', 'b'), offers('b', 'a'));
});
