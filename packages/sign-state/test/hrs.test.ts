/** The order of positions, in all pairs of a small world, against one number per position. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareHrs, comparePosition, describePosition, type Position } from '../src/index.js';

const positions: Position[] = [];
for (const height of [0n, 1n, 2n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
  for (const round of [0, 1, 2, 2 ** 31 - 1]) {
    for (const step of [0, 1, 2, 3] as const) positions.push({ height, round, step });
  }
}
const oneNumber = (p: Position): bigint => p.height * 2n ** 40n + BigInt(p.round * 4 + p.step);

test('height outweighs round, round outweighs step, and only the same place is equal', () => {
  for (const a of positions) {
    for (const b of positions) {
      const [x, y] = [oneNumber(a), oneNumber(b)];
      assert.equal(Math.sign(comparePosition(a, b)), x < y ? -1 : x > y ? 1 : 0);
      if (a.step === 0 || b.step === 0) continue;
      const [hrsA, hrsB] = [
        { ...a, step: a.step },
        { ...b, step: b.step },
      ];
      assert.equal(Math.sign(compareHrs(hrsA, hrsB)), x < y ? -1 : x > y ? 1 : 0);
    }
  }
});

test('a position in words: its three parts, or its whole height where it is the last place there', () => {
  assert.equal(describePosition({ height: 7n, round: 0, step: 2 }), '7/0/prevote');
  assert.equal(
    describePosition({ height: 7n, round: 2 ** 31 - 1, step: 2 }),
    '7/2147483647/prevote',
  );
  assert.equal(
    describePosition({ height: 7n, round: 2 ** 31 - 1, step: 3 }),
    'height 7, all of it',
  );
});
