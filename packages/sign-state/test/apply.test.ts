/** What each command makes of a record: registration once, floors upward, retirement for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Answer,
  type Command,
  type Hrs,
  type RecordId,
  type SigningRecord,
  SignState,
  type StartingPoint,
} from '../src/index.js';
import { ask, ID, idOf, importOf, LIMITS, registration } from './world.js';

const X = ask(100, 1, 'prevote', 'X');
const floorAt = (height: bigint, round = 0, step: Hrs['step'] = 1): Command => ({
  kind: 'raiseFloor',
  id: ID,
  floor: { height, round, step },
  endsCutover: true,
});
/** As the leader commits it for a state file that is ahead of the cluster. */
const foundAt = (height: bigint, round = 0, step: Hrs['step'] = 1): Command => ({
  kind: 'raiseFloor',
  id: ID,
  floor: { height, round, step },
  endsCutover: false,
});
const haltAt = (height: bigint | null): Command => ({ kind: 'setHaltHeight', id: ID, height });
const limitsOf = (maxHeightJump: bigint, cutoverWindow: bigint): Command => ({
  kind: 'setLimits',
  id: ID,
  limits: { maxHeightJump, cutoverWindow },
});
const retire: Command = { kind: 'retire', id: ID };

function started(start: StartingPoint = { kind: 'neverSigned' }): SignState {
  const state = new SignState();
  assert.equal(state.apply(registration(start)).kind, 'done');
  return state;
}
function recordOf(state: SignState, id: RecordId = ID): SigningRecord {
  const record = state.read(id);
  assert.ok(record);
  return record;
}
function verdictOf(answer: Answer): string {
  assert.ok(answer.kind === 'verdict');
  return answer.verdict.kind;
}
function rejects(state: SignState, command: Command, reason: string): void {
  const [before, record] = [state.hash(), state.read(command.id) ?? null];
  const answer = state.apply(command);
  assert.ok(answer.kind === 'rejected', `${command.kind} was ${answer.kind}`);
  assert.equal(answer.reason, reason);
  assert.equal(answer.record, record);
  assert.equal(state.hash(), before, 'a rejected command changes nothing');
}
function changes(state: SignState, command: Command, changed: boolean): SigningRecord {
  const before = state.hash();
  const answer = state.apply(command);
  assert.ok(answer.kind === 'done', `${command.kind} was ${answer.kind}`);
  assert.equal(answer.changed, changed);
  assert.equal(answer.record, state.read(ID));
  assert.equal(state.hash() !== before, changed);
  return answer.record;
}

// -------------------------------------------------------------------------------- registration

test('a key that never signed starts with nothing, and no guard', () => {
  assert.deepEqual(recordOf(started()), {
    id: ID,
    last: null,
    floor: null,
    haltHeight: null,
    limits: LIMITS,
    cutoverArmed: false,
    neverSigned: true,
    retired: false,
  });
});

test('an import with bytes becomes the last reservation, with no floor, and arms the guard', () => {
  const record = recordOf(started(importOf(X, 'withBytes')));
  assert.deepEqual(record.last, { hrs: X.hrs, signBytes: X.signBytes, by: 'a', at: 5 });
  assert.equal(record.floor, null);
  assert.ok(record.cutoverArmed && !record.neverSigned);
});

test('an import without bytes becomes the floor, and arms the guard', () => {
  const record = recordOf(started(importOf(X, 'withoutBytes')));
  assert.equal(record.last, null);
  assert.deepEqual(record.floor, X.hrs);
  assert.ok(record.cutoverArmed && !record.neverSigned);
});

test('a chain is registered once: a second time changes nothing and shows what stands', () => {
  const state = started(importOf(X, 'withBytes'));
  state.apply(ask(101, 0, 'prevote', 'Y'));
  rejects(state, registration(importOf(X, 'withBytes')), 'alreadyRegistered');
  rejects(state, registration({ kind: 'neverSigned' }), 'alreadyRegistered');
  rejects(
    state,
    registration(importOf(ask(900, 0, 'prevote', 'X'), 'withBytes')),
    'alreadyRegistered',
  );
  assert.deepEqual(recordOf(state).last?.hrs, { height: 101n, round: 0, step: 2 });
  state.apply(retire);
  rejects(state, registration({ kind: 'neverSigned' }), 'alreadyRegistered');
});

const other = idOf('test-2', 1);
const malformed: readonly (readonly [string, Command])[] = [
  ['no chain id', registration({ kind: 'neverSigned' }, { id: { ...ID, chainId: '' } })],
  [
    'no key type',
    registration({ kind: 'neverSigned' }, { id: { ...ID, key: { ...ID.key, type: '' } } }),
  ],
  [
    'no key',
    registration(
      { kind: 'neverSigned' },
      { id: { ...ID, key: { type: 'ed25519', bytes: new Uint8Array(0) } } },
    ),
  ],
  [
    'a jump of 0',
    registration({ kind: 'neverSigned' }, { limits: { ...LIMITS, maxHeightJump: 0n } }),
  ],
  [
    'a window of 0',
    registration({ kind: 'neverSigned' }, { limits: { ...LIMITS, cutoverWindow: 0n } }),
  ],
  [
    'a jump above int64',
    registration({ kind: 'neverSigned' }, { limits: { ...LIMITS, maxHeightJump: 2n ** 63n } }),
  ],
  [
    'an import at height 0',
    registration({
      kind: 'imported',
      position: { height: 0n, round: 0, step: 1 },
      signBytes: null,
    }),
  ],
  [
    'an import at a negative round',
    registration({
      kind: 'imported',
      position: { height: 1n, round: -1, step: 1 },
      signBytes: null,
    }),
  ],
  [
    'an import whose bytes say another place',
    registration({ kind: 'imported', position: { ...X.hrs, round: 2 }, signBytes: X.signBytes }),
  ],
  [
    'an import whose bytes say another chain',
    registration(importOf(X, 'withBytes'), { id: other }),
  ],
  [
    'an import with empty bytes',
    registration({ kind: 'imported', position: X.hrs, signBytes: new Uint8Array(0) }),
  ],
];
for (const [why, command] of malformed) {
  test(`no registration: ${why}`, () => {
    rejects(new SignState(), command, 'malformed');
  });
}

test('records of two keys of one chain, and of two chains of one key, are apart', () => {
  const state = started();
  state.apply(ask(7, 0, 'prevote', 'X'));
  for (const id of [idOf('test-1', 2), idOf('test-2', 1)]) {
    assert.equal(verdictOf(state.apply(ask(7, 0, 'prevote', 'Y', { id }))), 'unregistered');
    assert.equal(state.apply(registration({ kind: 'neverSigned' }, { id })).kind, 'done');
    assert.equal(verdictOf(state.apply(ask(7, 0, 'prevote', 'Y', { id }))), 'granted');
  }
  assert.deepEqual(recordOf(state).last?.signBytes, ask(7, 0, 'prevote', 'X').signBytes);
});

// ------------------------------------------------------------------------------ floor and guard

test('a floor is raised, and never lowered', () => {
  const state = started();
  assert.deepEqual(changes(state, floorAt(50n, 1, 2), true).floor, {
    height: 50n,
    round: 1,
    step: 2,
  });
  for (const lower of [
    floorAt(50n, 1, 2),
    floorAt(50n, 1, 1),
    floorAt(50n, 0, 3),
    floorAt(49n, 9, 3),
  ]) {
    assert.deepEqual(changes(state, lower, false).floor, { height: 50n, round: 1, step: 2 });
  }
  changes(state, floorAt(50n, 1, 3), true);
});

test('a floor keeps the last reservation, which is the evidence of what was signed', () => {
  const state = started();
  state.apply(X);
  const record = changes(state, floorAt(500n), true);
  assert.deepEqual(record.last?.signBytes, X.signBytes);
});

test('the first grant ends the cut-over guard, a repeat or a refusal does not', () => {
  const state = started(importOf(X, 'withBytes'));
  const farAbove = ask(100n + LIMITS.cutoverWindow + 2n, 0, 'prevote', 'X');
  for (const asked of [
    X,
    ask(100, 1, 'prevote', 'X', { time: 9 }),
    ask(100, 1, 'prevote', 'Y'),
    farAbove,
  ]) {
    assert.notEqual(verdictOf(state.apply(asked)), 'granted');
    assert.ok(recordOf(state).cutoverArmed);
  }
  assert.equal(verdictOf(state.apply(ask(101, 0, 'prevote', 'X'))), 'granted');
  assert.ok(!recordOf(state).cutoverArmed);
  assert.equal(verdictOf(state.apply(farAbove)), 'granted');
});

test('an operator’s floor at or above the import ends the guard, one below says nothing', () => {
  const state = started(importOf(X, 'withBytes'));
  assert.ok(changes(state, floorAt(100n, 1, 1), true).cutoverArmed);
  assert.ok(!changes(state, floorAt(100n, 1, 2), true).cutoverArmed);
  const floorOnly = started(importOf(X, 'withoutBytes'));
  assert.ok(changes(floorOnly, floorAt(100n, 1, 2), false).cutoverArmed);
  assert.ok(!changes(floorOnly, floorAt(100n, 1, 3), true).cutoverArmed);
});

test('a floor found in a state file rises like any other, and never ends the guard', () => {
  for (const bytes of ['withBytes', 'withoutBytes'] as const) {
    const state = started(importOf(X, bytes));
    const record = changes(state, foundAt(100n, 1, 3), true);
    assert.deepEqual(record.floor, { height: 100n, round: 1, step: 3 });
    assert.ok(record.cutoverArmed);
    assert.ok(changes(state, foundAt(101n), true).cutoverArmed);
    assert.ok(changes(state, foundAt(100n), false).cutoverArmed);
  }
  const atTheImport = started(importOf(X, 'withBytes'));
  assert.ok(changes(atTheImport, foundAt(100n, 1, 2), true).cutoverArmed);
});

test('after a floor found in a state file the window begins there, until an operator has spoken', () => {
  const state = started(importOf(X, 'withBytes'));
  changes(state, foundAt(101n), true);
  const top = 101n + LIMITS.cutoverWindow;
  const beyond = ask(top + 1n, 0, 'prevote', 'X');
  assert.equal(verdictOf(state.apply(beyond)), 'cutover');
  // What was found already is nobody's word.
  assert.ok(changes(state, floorAt(101n), false).cutoverArmed);
  assert.equal(verdictOf(state.apply(beyond)), 'cutover');
  assert.ok(!changes(state, floorAt(101n, 0, 2), true).cutoverArmed);
  assert.equal(verdictOf(state.apply(beyond)), 'granted');

  const withinTheWindow = started(importOf(X, 'withBytes'));
  changes(withinTheWindow, foundAt(101n), true);
  assert.equal(verdictOf(withinTheWindow.apply(ask(top, 0, 'prevote', 'X'))), 'granted');
  // Once ended it stays so: only an import arms it.
  assert.ok(!changes(withinTheWindow, foundAt(top + 1n), true).cutoverArmed);
});

// ------------------------------------------------------------------- limits, halt, retirement

test('limits are replaced as a pair, and only by positive ones', () => {
  const state = started();
  assert.deepEqual(changes(state, limitsOf(5n, 6n), true).limits, {
    maxHeightJump: 5n,
    cutoverWindow: 6n,
  });
  changes(state, limitsOf(5n, 6n), false);
  for (const wrong of [
    limitsOf(0n, 6n),
    limitsOf(5n, 0n),
    limitsOf(-1n, 6n),
    limitsOf(5n, 2n ** 63n),
  ]) {
    rejects(state, wrong, 'malformed');
  }
});

test('a halt height is set, also below the last, and cleared by null', () => {
  const state = started();
  state.apply(X);
  assert.equal(changes(state, haltAt(50n), true).haltHeight, 50n);
  assert.equal(verdictOf(state.apply(X)), 'halted');
  changes(state, haltAt(50n), false);
  assert.equal(changes(state, haltAt(null), true).haltHeight, null);
  assert.equal(verdictOf(state.apply(X)), 'repeated');
  changes(state, haltAt(null), false);
  for (const wrong of [haltAt(0n), haltAt(-1n), haltAt(2n ** 63n)])
    rejects(state, wrong, 'malformed');
});

test('a floor that is no position is rejected', () => {
  const state = started();
  rejects(state, floorAt(0n), 'malformed');
  rejects(state, floorAt(1n, -1), 'malformed');
  rejects(state, floorAt(2n ** 63n), 'malformed');
});

test('retirement is for ever: it may be said again, and nothing else may be said after it', () => {
  const state = started();
  state.apply(X);
  assert.ok(changes(state, retire, true).retired);
  changes(state, retire, false);
  for (const command of [floorAt(500n), limitsOf(5n, 6n), haltAt(9n), haltAt(null)]) {
    rejects(state, command, 'retired');
  }
  assert.equal(verdictOf(state.apply(X)), 'retired');
});

test('nothing but a registration registers', () => {
  const state = new SignState();
  for (const command of [floorAt(500n), limitsOf(5n, 6n), haltAt(9n), retire]) {
    rejects(state, command, 'unregistered');
  }
  assert.equal(verdictOf(state.apply(X)), 'unregistered');
  assert.deepEqual(state.records(), []);
});

test('a record shares no memory with the command that made it', () => {
  const state = new SignState();
  const key = Uint8Array.from(ID.key.bytes);
  const signBytes = Uint8Array.from(X.signBytes);
  const id = { chainId: ID.chainId, key: { type: 'ed25519', bytes: key } };
  state.apply(registration({ kind: 'imported', position: X.hrs, signBytes }, { id }));
  key.fill(0);
  signBytes.fill(0);
  assert.deepEqual(recordOf(state).id, ID);
  assert.deepEqual(recordOf(state).last?.signBytes, X.signBytes);
});
