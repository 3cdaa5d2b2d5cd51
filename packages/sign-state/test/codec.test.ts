/** Commands and snapshots as bytes: exact, the same for ever, and never half understood. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Command,
  decodeCommand,
  encodeCommand,
  type Hrs,
  SignState,
  type SignStateCode,
  SignStateError,
} from '../src/index.js';
import { ask, ID, importOf, registration } from './world.js';

const MAX_INT64 = 2n ** 63n - 1n;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const failsWith =
  (code: SignStateCode, says: RegExp = /./) =>
  (error: unknown): boolean =>
    error instanceof SignStateError && error.code === code && says.test(error.message);

// -------------------------------------------------------------------------------- round trips

// With a prototype, so that `deepEqual` can compare them with what the decoder makes.
const recordOf = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const int64 = fc.bigInt({ min: -MAX_INT64 - 1n, max: MAX_INT64 });
const bytes = fc.uint8Array({ maxLength: 40 });
const text = fc.string({ unit: 'binary', maxLength: 12 });
const at = fc.maxSafeInteger();
const hrs: fc.Arbitrary<Hrs> = recordOf({
  height: int64,
  round: fc.integer(),
  step: fc.constantFrom(1, 2, 3),
});
const id = recordOf({ chainId: text, key: recordOf({ type: text, bytes }) });
const limits = recordOf({ maxHeightJump: int64, cutoverWindow: int64 });
const is = <K extends string>(kind: K): fc.Arbitrary<K> => fc.constant(kind);
const command: fc.Arbitrary<Command> = fc.oneof(
  recordOf({ kind: is('reserve'), id, hrs, signBytes: bytes, by: text, at }),
  recordOf({
    kind: is('registerChain'),
    id,
    start: fc.oneof(
      recordOf({ kind: is('neverSigned') }),
      recordOf({ kind: is('imported'), position: hrs, signBytes: fc.option(bytes) }),
    ),
    limits,
    by: text,
    at,
  }),
  recordOf({ kind: is('raiseFloor'), id, floor: hrs, endsCutover: fc.boolean() }),
  recordOf({ kind: is('setLimits'), id, limits }),
  recordOf({ kind: is('setHaltHeight'), id, height: fc.option(int64) }),
  recordOf({ kind: is('retire'), id }),
);

test('every command that can be encoded comes back as it was, also from a Buffer', () => {
  fc.assert(
    fc.property(command, (given) => {
      const encoded = encodeCommand(given);
      assert.deepEqual(decodeCommand(encoded), given);
      assert.deepEqual(decodeCommand(Buffer.from(encoded)), given);
    }),
    { numRuns: 500 },
  );
});

test('heights are exact up to 2^63-1, where a float would round', () => {
  for (const height of [MAX_INT64, MAX_INT64 - 1n, 2n ** 53n + 1n, 1n]) {
    const back = decodeCommand(encodeCommand({ kind: 'setHaltHeight', id: ID, height }));
    assert.deepEqual(back, { kind: 'setHaltHeight', id: ID, height });
    const state = new SignState();
    state.apply(registration({ kind: 'neverSigned' }));
    const floor: Hrs = { height, round: 2 ** 31 - 1, step: 3 };
    state.apply({ kind: 'raiseFloor', id: ID, floor, endsCutover: true });
    const restored = SignState.restore(state.snapshot());
    assert.equal(restored.read(ID)?.floor?.height, height);
    assert.equal(restored.read(ID)?.floor?.round, 2 ** 31 - 1);
  }
});

test('a decoded command shares no memory with the frame that it came in', () => {
  const frame = Buffer.from(encodeCommand(ask(7, 0, 'prevote', 'X')));
  const decoded = decodeCommand(frame);
  frame.fill(0);
  assert.deepEqual(decoded, ask(7, 0, 'prevote', 'X'));
});

// ------------------------------------------------------------------------------- out of range

const floorAt = (floor: unknown): Command =>
  ({ kind: 'raiseFloor', id: ID, floor, endsCutover: true }) as unknown as Command;
const outOfRange: readonly (readonly [why: string, command: Command])[] = [
  ['a height above int64', { kind: 'setHaltHeight', id: ID, height: MAX_INT64 + 1n }],
  ['a height below int64', { kind: 'setHaltHeight', id: ID, height: -MAX_INT64 - 2n }],
  ['a round above int32', floorAt({ height: 1n, round: 2 ** 31, step: 1 })],
  ['a round that is no whole number', floorAt({ height: 1n, round: 0.5, step: 1 })],
  ['step 0, which no command may hold', floorAt({ height: 1n, round: 0, step: 0 })],
  ['a step above 3', floorAt({ height: 1n, round: 0, step: 4 })],
  ['a time that is no safe number', { ...ask(1, 0, 'prevote', 'X'), at: 2 ** 53 }],
  ['a chain id without UTF-8', { kind: 'retire', id: { ...ID, chainId: 'a\ud800' } }],
];
for (const [why, given] of outOfRange) {
  test(`not encoded: ${why}`, () => {
    assert.throws(() => encodeCommand(given), failsWith('SIGN_STATE_OUT_OF_RANGE'));
  });
}

// --------------------------------------------------------------------------- what is not known

const retire = encodeCommand({ kind: 'retire', id: ID });
const empty = new SignState().snapshot();
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const refused: readonly (readonly [string, Uint8Array, SignStateCode, RegExp])[] = [
  ['no version', retire.subarray(2), 'SIGN_STATE_VERSION', /version 0/],
  ['version 2', concat(fromHex('0802'), retire.subarray(2)), 'SIGN_STATE_VERSION', /version 2/],
  ['no kind', fromHex('0801'), 'SIGN_STATE_VERSION', /kind/],
  ['a kind of later years', fromHex('08019a0600'), 'SIGN_STATE_VERSION', /kind/],
  ['a field of later years', concat(retire, fromHex('980601')), 'SIGN_STATE_VERSION', /field/],
  ['two kinds', concat(retire, fromHex('2200')), 'SIGN_STATE_DAMAGED', /no id/],
  ['no id', fromHex('08013a00'), 'SIGN_STATE_DAMAGED', /no id/],
  ['a cut', retire.subarray(0, retire.length - 1), 'SIGN_STATE_DAMAGED', /./],
  ['nothing at all', new Uint8Array(0), 'SIGN_STATE_VERSION', /version 0/],
];
for (const [why, given, code, says] of refused) {
  test(`a command with ${why} stops the process, and is never skipped`, () => {
    assert.equal(hex(retire).slice(0, 4), '0801');
    assert.throws(() => decodeCommand(given), failsWith(code, says));
  });
}

test('a field of later years stops the process also where it is nested', () => {
  const inner = concat(fromHex('0a0161'), fromHex('980601')); // RecordId{chainId 'a', field 99}
  const given = concat(fromHex('08013a080a06'), inner);
  assert.throws(() => decodeCommand(given), failsWith('SIGN_STATE_VERSION', /field/));
});

test('a snapshot of another version, with an unknown field, cut or empty, is refused', () => {
  assert.equal(hex(empty), '0801');
  const withField = concat(empty, fromHex('980601'));
  assert.throws(() => SignState.restore(fromHex('0802')), failsWith('SIGN_STATE_VERSION'));
  assert.throws(() => SignState.restore(withField), failsWith('SIGN_STATE_VERSION'));
  assert.throws(() => SignState.restore(fromHex('08')), failsWith('SIGN_STATE_DAMAGED'));
  assert.throws(() => SignState.restore(new Uint8Array(0)), failsWith('SIGN_STATE_VERSION'));
});

test('a snapshot whose reservation says another position than its bytes is damaged', () => {
  const state = new SignState();
  state.apply(registration(importOf(ask(7, 0, 'prevote', 'X'), 'withBytes')));
  const snapshot = hex(state.snapshot());
  // Position{height 7, step 2} becomes {height 8, step 2}; the sign bytes still say 7.
  const at = snapshot.indexOf('08071802');
  assert.ok(at > 0);
  const changed = `${snapshot.slice(0, at)}08081802${snapshot.slice(at + 8)}`;
  assert.throws(() => SignState.restore(fromHex(changed)), failsWith('SIGN_STATE_DAMAGED', /7\/0/));
});

test('a snapshot with the same record twice is damaged', () => {
  const state = new SignState();
  state.apply(registration({ kind: 'neverSigned' }));
  const record = state.snapshot().subarray(2);
  const twice = concat(empty, record, record);
  assert.throws(() => SignState.restore(twice), failsWith('SIGN_STATE_DAMAGED', /out of order/));
});
