/**
 * An entry's bytes and keys.
 *
 * Owns    that an entry comes back as it was, and that the order of keys is the order of what they stand for.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeEntry,
  encodeEntry,
  entryKey,
  numberOf,
  positionKey,
  rangeKeys,
  timeKey,
} from '../src/journal/entry.js';
import { entry, entryOf } from './example-entry.js';

test('an entry comes back as it was', () => {
  fc.assert(fc.property(entryOf, (made) => assert.deepEqual(decodeEntry(encodeEntry(made)), made)));
});

test('what is too long is cut, never refused', () => {
  const huge = entry({ detail: 'x'.repeat(10_000), signBytes: new Uint8Array(100_000) });
  const back = decodeEntry(encodeEntry(huge));
  assert.deepEqual([back.detail?.length, back.signBytes.length], [1024, 1024]);
});

const number = fc.nat();

test('keys by time sort as times, then as written', () => {
  const at = fc.integer({ min: 0, max: 2 ** 45 });
  fc.assert(
    fc.property(at, number, at, number, (a, m, b, n) => {
      const expected = Math.sign(a - b) || Math.sign(m - n);
      assert.equal(order(timeKey(a, m), timeKey(b, n)), expected);
    }),
  );
});

const steps = { proposal: 1, prevote: 2, precommit: 3 };

test('keys by position sort as (height, round, step), then as written', () => {
  const height = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
  const place = fc.record({
    height: fc.oneof(height, fc.constantFrom(9n, 10n, 99n)),
    round: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    type: fc.constantFrom('proposal' as const, 'prevote' as const, 'precommit' as const),
  });
  fc.assert(
    fc.property(place, number, place, number, (a, m, b, n) => {
      const expected =
        Math.sign(Number(a.height - b.height)) ||
        Math.sign(a.round - b.round) ||
        Math.sign(steps[a.type] - steps[b.type]) ||
        Math.sign(m - n);
      assert.equal(order(positionKey(entry(a), m), positionKey(entry(b), n)), expected);
    }),
  );
});

test('a range of heights holds its ends and no other chain or key', () => {
  const chain = { chainId: 'a', keyAddress: 'AB' };
  const { gte, lt } = rangeKeys({ by: 'height', chain, from: 5n, to: 10n });
  const holds = (made: Parameters<typeof entry>[0]): boolean => {
    const key = positionKey(entry({ ...chain, ...made }), 7);
    return key >= gte && key < lt;
  };
  for (const height of [5n, 6n, 10n]) assert.ok(holds({ height, round: 2 ** 31 - 1 }));
  for (const height of [0n, 4n, 11n, 50n, 100n]) assert.ok(!holds({ height }));
  assert.ok(!holds({ height: 6n, chainId: 'aa' }));
  assert.ok(!holds({ height: 6n, chainId: '' }));
  assert.ok(!holds({ height: 6n, keyAddress: 'ABC' }));
});

test('the number is found in every key', () => {
  for (const key of [entryKey(42), timeKey(7, 42), positionKey(entry(), 42)]) {
    assert.equal(numberOf(key), 42);
  }
  assert.throws(() => numberOf('e\u0000what'), SyntaxError);
});

function order(a: string, b: string): number {
  // LevelDB compares bytes.
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
