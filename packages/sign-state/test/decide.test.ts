/** Each verdict, each boundary, and the order in which they are tried. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onViolation } from '@cometkms/invariant';
import {
  decide,
  FIRST_HEIGHT_LIMIT,
  type Hrs,
  type Reserve,
  type SigningRecord,
  type Verdict,
} from '../src/index.js';
import { ask, ID, idOf, LIMITS } from './world.js';

const reservationOf = ({ hrs, signBytes, by, at }: Reserve) => ({ hrs, signBytes, by, at });
const FRESH: SigningRecord = {
  id: ID,
  last: null,
  floor: null,
  haltHeight: null,
  limits: LIMITS,
  cutoverArmed: false,
  neverSigned: true,
  retired: false,
};
const last = reservationOf(ask(7, 1, 'prevote', 'X'));
const RECORD: SigningRecord = { ...FRESH, last };
const at = (height: bigint, round: number, step: Hrs['step']): Hrs => ({ height, round, step });
const withFloor = (height: bigint, round: number, step: Hrs['step']): SigningRecord => ({
  ...RECORD,
  floor: at(height, round, step),
});
const withLimits = (maxHeightJump: bigint, cutoverWindow: bigint): SigningRecord => ({
  ...RECORD,
  limits: { maxHeightJump, cutoverWindow },
});
const HALTED: SigningRecord = { ...RECORD, haltHeight: 100n };
const RETIRED: SigningRecord = { ...RECORD, retired: true };
const IMPORTED: SigningRecord = {
  ...withLimits(1000n, 50n),
  neverSigned: false,
  cutoverArmed: true,
};
const IMPORTED_FLOOR: SigningRecord = { ...IMPORTED, last: null, floor: at(7n, 1, 2) };
const X = ask(7, 1, 'prevote', 'X');

type Row = readonly [
  why: string,
  record: SigningRecord | undefined,
  asked: Reserve,
  kind: Verdict['kind'],
];
const rows: readonly Row[] = [
  // Above the last.
  ['a later step of the same round', RECORD, ask(7, 1, 'precommit', 'Y'), 'granted'],
  ['the next round starts with a proposal', RECORD, ask(7, 2, 'proposal', 'Y'), 'granted'],
  ['the next height starts low', RECORD, ask(8, 0, 'proposal', 'Y'), 'granted'],
  ['heights need not be consecutive', RECORD, ask(500, 0, 'prevote', 'nil'), 'granted'],
  ['the very first signature', FRESH, ask(1, 0, 'prevote', 'X'), 'granted'],
  // At the last.
  ['a lost answer is asked for again', RECORD, X, 'repeated'],
  ['the node restarted', RECORD, ask(7, 1, 'prevote', 'X', { time: 2 }), 'retimed'],
  ['a clock that went back', RECORD, ask(7, 1, 'prevote', 'X', { time: 0 }), 'retimed'],
  ['another block', RECORD, ask(7, 1, 'prevote', 'Y'), 'conflict'],
  ['another block at another time', RECORD, ask(7, 1, 'prevote', 'Y', { time: 2 }), 'conflict'],
  ['nil after a block', RECORD, ask(7, 1, 'prevote', 'nil'), 'conflict'],
  [
    'a block after nil',
    { ...RECORD, last: reservationOf(ask(7, 1, 'prevote', 'nil')) },
    X,
    'conflict',
  ],
  [
    'a proposal of the same block with another proof-of-lock round',
    { ...RECORD, last: reservationOf(ask(7, 1, 'proposal', 'X')) },
    ask(7, 1, 'proposal', 'X', { polRound: 0 }),
    'conflict',
  ],
  [
    'a proposal at another time is retimed here; that it cannot be answered is for the gate to say',
    { ...RECORD, last: reservationOf(ask(7, 1, 'proposal', 'X')) },
    ask(7, 1, 'proposal', 'X', { time: 2 }),
    'retimed',
  ],
  // Below the last.
  ['an earlier step', RECORD, ask(7, 1, 'proposal', 'X'), 'regressed'],
  [
    'a round that is over, though the step is higher',
    RECORD,
    ask(7, 0, 'precommit', 'X'),
    'regressed',
  ],
  [
    'a height that is over, though the round is higher',
    RECORD,
    ask(6, 9, 'precommit', 'X'),
    'regressed',
  ],
  // Floor: inclusive, and before the last.
  ['the floor itself', withFloor(9n, 1, 2), ask(9, 1, 'prevote', 'X'), 'regressed'],
  ['below the floor, above the last', withFloor(9n, 1, 2), ask(9, 1, 'proposal', 'X'), 'regressed'],
  ['one step above the floor', withFloor(9n, 1, 2), ask(9, 1, 'precommit', 'X'), 'granted'],
  ['a floor raised to the last ends its repeats', withFloor(7n, 1, 2), X, 'regressed'],
  ['a floor below the last leaves its repeats', withFloor(7n, 1, 1), X, 'repeated'],
  // Halt: from the halt height on, whatever else would be said.
  ['the halt height itself', HALTED, ask(100, 0, 'proposal', 'X'), 'halted'],
  ['above the halt height', HALTED, ask(101, 0, 'prevote', 'X'), 'halted'],
  ['the last height before the halt', HALTED, ask(99, 9, 'precommit', 'X'), 'granted'],
  ['a repeat at the halt height', { ...RECORD, haltHeight: 7n }, X, 'halted'],
  [
    'halted before the floor',
    { ...withFloor(9n, 1, 2), haltHeight: 8n },
    ask(9, 0, 'prevote', 'X'),
    'halted',
  ],
  [
    'below the halt height the floor counts',
    { ...withFloor(9n, 1, 2), haltHeight: 10n },
    ask(9, 0, 'prevote', 'X'),
    'regressed',
  ],
  // Retired, unregistered, malformed.
  ['retired, even for a repeat', RETIRED, X, 'retired'],
  ['retired before halted', { ...RETIRED, haltHeight: 1n }, X, 'retired'],
  ['never registered', undefined, X, 'unregistered'],
  [
    'never registered comes before malformed',
    undefined,
    { ...X, signBytes: new Uint8Array(0) },
    'unregistered',
  ],
  ['malformed comes before retired', RETIRED, { ...X, signBytes: new Uint8Array(0) }, 'malformed'],
  [
    'bytes of another height',
    RECORD,
    { ...ask(8, 0, 'prevote', 'X'), hrs: at(9n, 0, 2) },
    'malformed',
  ],
  [
    'bytes of another round',
    RECORD,
    { ...ask(8, 0, 'prevote', 'X'), hrs: at(8n, 1, 2) },
    'malformed',
  ],
  [
    'bytes of another step',
    RECORD,
    { ...ask(8, 0, 'prevote', 'X'), hrs: at(8n, 0, 3) },
    'malformed',
  ],
  [
    'bytes of another chain',
    RECORD,
    { ...ask(8, 0, 'prevote', 'X', { id: idOf('test-2', 1) }), id: ID },
    'malformed',
  ],
  ['no bytes', RECORD, { ...ask(8, 0, 'prevote', 'X'), signBytes: new Uint8Array(0) }, 'malformed'],
  // Leap: from the higher of last and floor.
  ['a jump of exactly the limit', RECORD, ask(7n + 1_000_000n, 0, 'prevote', 'X'), 'granted'],
  ['a jump of one more', RECORD, ask(7n + 1_000_001n, 0, 'prevote', 'X'), 'leap'],
  [
    'measured from the floor where it is higher',
    withFloor(2_000_000n, 0, 1),
    ask(3_000_000n, 0, 'prevote', 'X'),
    'granted',
  ],
  ['one more than that', withFloor(2_000_000n, 0, 1), ask(3_000_001n, 0, 'prevote', 'X'), 'leap'],
  [
    'measured from the last where that is higher',
    withFloor(3n, 0, 1),
    ask(1_000_007n, 0, 'prevote', 'X'),
    'granted',
  ],
  ['a limit of the record itself', withLimits(1n, 50n), ask(8, 0, 'prevote', 'X'), 'granted'],
  ['one above that limit', withLimits(1n, 50n), ask(9, 0, 'prevote', 'X'), 'leap'],
  // Leap: a key that never signed.
  ['a first signature at the limit', FRESH, ask(FIRST_HEIGHT_LIMIT, 0, 'prevote', 'X'), 'granted'],
  [
    'a first signature above the limit',
    FRESH,
    ask(FIRST_HEIGHT_LIMIT + 1n, 0, 'prevote', 'X'),
    'leap',
  ],
  [
    'a floor does not take the first signature its freedom',
    { ...FRESH, floor: at(5n, 0, 1) },
    ask(FIRST_HEIGHT_LIMIT, 0, 'prevote', 'X'),
    'granted',
  ],
  [
    'a floor near the limit leaves room above it',
    { ...FRESH, floor: at(FIRST_HEIGHT_LIMIT, 0, 1) },
    ask(FIRST_HEIGHT_LIMIT + 1_000_000n, 0, 'prevote', 'X'),
    'granted',
  ],
  [
    'but no more than a jump',
    { ...FRESH, floor: at(FIRST_HEIGHT_LIMIT, 0, 1) },
    ask(FIRST_HEIGHT_LIMIT + 1_000_001n, 0, 'prevote', 'X'),
    'leap',
  ],
  [
    'an imported floor is a past to be measured from',
    { ...IMPORTED_FLOOR, cutoverArmed: false },
    ask(1008, 0, 'prevote', 'X'),
    'leap',
  ],
  // Cut-over.
  [
    'an import with bytes, exactly the window above it',
    IMPORTED,
    ask(57, 0, 'prevote', 'X'),
    'granted',
  ],
  ['an import with bytes, one more', IMPORTED, ask(58, 0, 'prevote', 'X'), 'cutover'],
  [
    'an import without bytes, exactly the window above it',
    IMPORTED_FLOOR,
    ask(57, 0, 'prevote', 'X'),
    'granted',
  ],
  ['an import without bytes, one more', IMPORTED_FLOOR, ask(58, 0, 'prevote', 'X'), 'cutover'],
  [
    'measured from the floor of a state file that was ahead of the import',
    { ...IMPORTED, floor: at(9n, 0, 1) },
    ask(59, 0, 'prevote', 'X'),
    'granted',
  ],
  [
    'one more than that floor allows',
    { ...IMPORTED, floor: at(9n, 0, 1) },
    ask(60, 0, 'prevote', 'X'),
    'cutover',
  ],
  [
    'measured from the import where the floor is lower',
    { ...IMPORTED, floor: at(5n, 0, 1) },
    ask(57, 0, 'prevote', 'X'),
    'granted',
  ],
  ['a disarmed guard', { ...IMPORTED, cutoverArmed: false }, ask(58, 0, 'prevote', 'X'), 'granted'],
  [
    'an import that knows no place is measured from nothing',
    { ...IMPORTED, last: null },
    ask(50, 0, 'prevote', 'X'),
    'granted',
  ],
  [
    'one more than the window above nothing',
    { ...IMPORTED, last: null },
    ask(51, 0, 'prevote', 'X'),
    'cutover',
  ],
  ['leap before cutover', IMPORTED, ask(1008, 0, 'prevote', 'X'), 'leap'],
  ['the imported content may repeat', IMPORTED, X, 'repeated'],
  ['the imported content, retimed', IMPORTED, ask(7, 1, 'prevote', 'X', { time: 2 }), 'retimed'],
  ['other content at the import', IMPORTED, ask(7, 1, 'prevote', 'Y'), 'conflict'],
  ['an import without bytes allows nothing at its place', IMPORTED_FLOOR, X, 'regressed'],
];

for (const [why, record, asked, kind] of rows) {
  test(`${kind}: ${why}`, () => {
    assert.equal(decide(record, asked).kind, kind);
  });
}

// ------------------------------------------------------------------------ what a verdict carries

test('a grant carries the requested bytes, and shares no memory with the request', () => {
  const signBytes = Buffer.from(ask(8, 0, 'prevote', 'Y').signBytes);
  const asked = { ...ask(8, 0, 'prevote', 'Y'), signBytes, by: 'b', at: 42 };
  const verdict = decide(RECORD, asked);
  const expected = ask(8, 0, 'prevote', 'Y').signBytes;
  signBytes.fill(0);
  const stored = { hrs: at(8n, 0, 2), signBytes: expected, by: 'b', at: 42 };
  assert.deepEqual(verdict, { kind: 'granted', signBytes: expected, stored });
});

test('a repeat and a retimed request get the stored bytes, never their own', () => {
  const repeated = decide(RECORD, { ...X, by: 'b', at: 42 });
  assert.deepEqual(repeated, { kind: 'repeated', signBytes: last.signBytes, stored: last });
  const later = ask(7, 1, 'prevote', 'X', { time: 2 });
  const retimed = decide(RECORD, later);
  assert.notDeepEqual(later.signBytes, last.signBytes);
  assert.deepEqual(retimed, { kind: 'retimed', signBytes: last.signBytes, stored: last });
});

test('refusals carry their evidence', () => {
  const evidence = (record: SigningRecord, asked: Reserve) => decide(record, asked);
  assert.deepEqual(evidence(RECORD, ask(7, 1, 'prevote', 'Y')), { kind: 'conflict', stored: last });
  assert.deepEqual(evidence(RECORD, ask(6, 0, 'prevote', 'X')), {
    kind: 'regressed',
    last,
    floor: null,
  });
  assert.deepEqual(evidence(withFloor(9n, 1, 2), ask(6, 0, 'prevote', 'X')), {
    kind: 'regressed',
    last: null,
    floor: at(9n, 1, 2),
  });
  assert.deepEqual(evidence(HALTED, ask(100, 0, 'prevote', 'X')), {
    kind: 'halted',
    haltHeight: 100n,
  });
  assert.deepEqual(evidence(withFloor(9n, 1, 2), ask(1_000_010, 0, 'prevote', 'X')), {
    kind: 'leap',
    base: 9n,
    maxHeightJump: 1_000_000n,
  });
  assert.deepEqual(evidence(FRESH, ask(FIRST_HEIGHT_LIMIT + 1n, 0, 'prevote', 'X')), {
    kind: 'leap',
    base: 0n,
    maxHeightJump: FIRST_HEIGHT_LIMIT,
  });
  // Measured from it, the floor reaches as far as the limit does: it is what stands in the record.
  const level = { ...FRESH, floor: at(FIRST_HEIGHT_LIMIT - LIMITS.maxHeightJump, 0, 1) };
  assert.deepEqual(evidence(level, ask(FIRST_HEIGHT_LIMIT + 1n, 0, 'prevote', 'X')), {
    kind: 'leap',
    base: level.floor.height,
    maxHeightJump: LIMITS.maxHeightJump,
  });
  assert.deepEqual(evidence(IMPORTED_FLOOR, ask(58, 0, 'prevote', 'X')), {
    kind: 'cutover',
    base: 7n,
    cutoverWindow: 50n,
  });
  const wrong = evidence(RECORD, { ...ask(8, 0, 'prevote', 'X'), hrs: at(9n, 0, 2) });
  assert.ok(wrong.kind === 'malformed');
  assert.match(wrong.detail, /8\/0\/prevote.*9\/0\/prevote/);
});

test('only what the bytes say is called malformed; a fault of ours is thrown', () => {
  const broken = { ...X, signBytes: null as unknown as Uint8Array };
  assert.throws(() => decide(RECORD, broken), TypeError);
});

test("a request is never judged by another key's record", () => {
  const restore = onViolation((violation) => {
    throw violation;
  });
  try {
    for (const other of [idOf('test-1', 2), idOf('test-2', 1)]) {
      assert.throws(() => decide(RECORD, ask(8, 0, 'prevote', 'X', { id: other })), /own key/);
    }
  } finally {
    restore();
  }
});
