/** The reader against anything: mutations of canonical bytes, noise, and pairs that nearly agree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BlockId,
  type CanonicalMessage,
  proposalSignBytes,
  readSignBytes,
  SignStateError,
  voteSignBytes,
} from '../src/index.js';

interface Said {
  readonly chainId: string;
  readonly type: number;
  readonly height: bigint;
  readonly round: number;
  readonly polRound: number;
  readonly blockId: BlockId | null;
  readonly timestamp: { readonly seconds: bigint; readonly nanos: number };
}

const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const blockId: fc.Arbitrary<BlockId | null> = fc.option(
  fc.record({
    hash: fc.constantFrom(hash(1), hash(2), new Uint8Array(0)),
    partSetHeader: fc.record({
      total: fc.constantFrom(1, 2, 300, 2 ** 32 - 1),
      hash: fc.constantFrom(hash(1), hash(2), new Uint8Array(0)),
    }),
  }),
);
// Each domain holds the values where the encoding changes its length or leaves the field out.
const said: fc.Arbitrary<Said> = fc.record({
  chainId: fc.constantFrom('', 'A', 'B', 'test-1', 'ü'.repeat(70)),
  type: fc.constantFrom(1, 2, 32),
  height: fc.constantFrom(1n, 2n, 256n, 2n ** 63n - 1n),
  round: fc.constantFrom(0, 1, 2, 2 ** 31 - 1),
  polRound: fc.constantFrom(-1, 0, 1, 2 ** 31 - 1),
  blockId,
  timestamp: fc.record({
    seconds: fc.constantFrom(-1n, 0n, 1n, 127n, 128n, 1_700_000_000n),
    nanos: fc.constantFrom(0, 1, 999_999_999),
  }),
});

const write = ({ chainId, ...message }: Said): Uint8Array =>
  message.type === 32 ? proposalSignBytes(chainId, message) : voteSignBytes(chainId, message);

/** Writes what was read, from the fields that the reader gave out. */
function writeRead({ chainId, hrs, blockId, timestamp, polRound }: CanonicalMessage): Uint8Array {
  const { height, round } = hrs;
  const type = { 1: 32, 2: 1, 3: 2 }[hrs.step];
  return write({ chainId, type, height, round, polRound: polRound ?? 0, blockId, timestamp });
}

function readOrRefused(bytes: Uint8Array): CanonicalMessage | null {
  try {
    return readSignBytes(bytes);
  } catch (error) {
    assert.ok(error instanceof SignStateError, `threw ${error}`);
    assert.equal(error.code, 'SIGN_STATE_NOT_CANONICAL');
    return null;
  }
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const withoutTime = ({ timestamp: _, polRound, ...rest }: Said): string =>
  JSON.stringify({ ...rest, ...(rest.type === 32 ? { polRound } : {}) }, (_key, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  );

test('what can be signed is read, and reads as what was written', () => {
  fc.assert(
    fc.property(said, (given) => {
      const bytes = write(given);
      assert.equal(toHex(writeRead(readSignBytes(bytes))), toHex(bytes));
      assert.deepEqual(readSignBytes(bytes).timestamp, { ...given.timestamp });
    }),
    { numRuns: 500 },
  );
});

const mutation = fc.oneof(
  fc.record({ how: fc.constant('flip' as const), at: fc.nat(400), bit: fc.nat(7) }),
  fc.record({ how: fc.constant('set' as const), at: fc.nat(400), byte: fc.nat(255) }),
  fc.record({ how: fc.constant('insert' as const), at: fc.nat(400), byte: fc.nat(255) }),
  fc.record({
    how: fc.constant('remove' as const),
    at: fc.nat(400),
    count: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({
    how: fc.constant('repeat' as const),
    at: fc.nat(400),
    count: fc.integer({ min: 1, max: 12 }),
  }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(bytes: number[], change: Mutation): number[] {
  const at = change.at % (bytes.length + 1);
  const [before, after] = [bytes.slice(0, at), bytes.slice(at)];
  const [first = 0, ...rest] = after;
  switch (change.how) {
    case 'flip':
      return [...before, first ^ (1 << change.bit), ...rest];
    case 'set':
      return [...before, change.byte, ...rest];
    case 'insert':
      return [...before, change.byte, ...after];
    case 'remove':
      return [...before, ...after.slice(change.count)];
    case 'repeat':
      return [...before, ...after.slice(0, change.count), ...after];
  }
}

test('a mutation is refused, or is exactly the bytes of what it reads as', () => {
  let [read, refused] = [0, 0];
  fc.assert(
    fc.property(
      said,
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (given, changes, fit) => {
        let bytes = [...write(given)];
        // With the length mended the mutation reaches the fields, without it the prefix must hold it off.
        if (fit && bytes.length < 128) {
          bytes = changes.reduce(mutate, bytes.slice(1));
          if (bytes.length < 128) bytes.unshift(bytes.length);
        } else bytes = changes.reduce(mutate, bytes);
        const message = readOrRefused(Uint8Array.from(bytes));
        if (message === null) {
          refused += 1;
          return;
        }
        read += 1;
        assert.equal(toHex(writeRead(message)), toHex(Uint8Array.from(bytes)));
      },
    ),
    { numRuns: 5000 },
  );
  // Else it would show nothing: both ways must have been taken, and often.
  assert.ok(read > 100 && refused > 1000, `${read} read, ${refused} refused`);
});

test('noise is refused with a typed error, never with another', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      const message = readOrRefused(noise);
      if (message !== null) assert.equal(toHex(writeRead(message)), toHex(noise));
    }),
    { numRuns: 2000 },
  );
});

test('contents are equal if and only if all but the timestamp is; with it, the bytes are', () => {
  let [same, other] = [0, 0];
  // The second differs from the first in a few fields at most, so that near misses are common.
  const pair = fc.tuple(
    said,
    said,
    fc.subarray(
      ['chainId', 'type', 'height', 'round', 'polRound', 'blockId', 'timestamp'] as const,
      { maxLength: 2 },
    ),
  );
  fc.assert(
    fc.property(pair, ([a, drawn, fields]) => {
      const b: Said = { ...a, ...Object.fromEntries(fields.map((field) => [field, drawn[field]])) };
      const [x, y] = [readSignBytes(write(a)), readSignBytes(write(b))];
      const sameContent = toHex(x.content) === toHex(y.content);
      assert.equal(sameContent, withoutTime(a) === withoutTime(b));
      const { timestamp: s } = x;
      const { timestamp: t } = y;
      const sameTime = s.seconds === t.seconds && s.nanos === t.nanos;
      assert.equal(sameContent && sameTime, toHex(write(a)) === toHex(write(b)));
      if (sameContent) same += 1;
      else other += 1;
    }),
    { numRuns: 3000 },
  );
  assert.ok(same > 100 && other > 100, `${same} the same, ${other} not`);
});
