/** The state machine as a whole: its order, its snapshots, its hash, and that version 1 stays what it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, encodeCommand, idKey, type RecordId, SignState } from '../src/index.js';
import { ask, ID, idOf, importOf, registration } from './world.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const key = (type: string, ...bytes: number[]) => ({ type, bytes: Uint8Array.from(bytes) });

test('chain id, key type and key bytes are never mixed up, whatever is in them', () => {
  const ids: readonly RecordId[] = [
    { chainId: 'a', key: key('b', 0xcc) },
    { chainId: 'ab', key: key('', 0xcc) },
    { chainId: 'a', key: key('bcc') },
    { chainId: 'a","b', key: key('', 0xcc) },
    { chainId: 'a', key: key('b', 0xcc, 0) },
  ];
  assert.equal(new Set(ids.map(idKey)).size, ids.length);
});

test('records, snapshot and hash do not depend on the order of registration', () => {
  const ids = [ID, idOf('test-1', 2), idOf('test-2', 1), idOf('test-10', 1), idOf('ünï', 1)];
  const stateOf = (order: readonly RecordId[]): SignState => {
    const state = new SignState();
    for (const id of order) state.apply(registration({ kind: 'neverSigned' }, { id }));
    return state;
  };
  const [there, back] = [stateOf(ids), stateOf([...ids].reverse())];
  assert.equal(there.records().length, ids.length);
  assert.deepEqual(there.records(), back.records());
  assert.equal(hex(there.snapshot()), hex(back.snapshot()));
  assert.equal(there.hash(), back.hash());
});

test('every field of a record survives a restore', () => {
  const state = new SignState();
  state.apply(registration(importOf(ask(100, 1, 'prevote', 'X'), 'withBytes')));
  const floor = { height: 50n, round: 2, step: 3 } as const;
  state.apply({ kind: 'raiseFloor', id: ID, floor, endsCutover: true });
  state.apply({ kind: 'setHaltHeight', id: ID, height: 2n ** 62n });
  state.apply({ kind: 'setLimits', id: ID, limits: { maxHeightJump: 3n, cutoverWindow: 2n } });
  state.apply({ kind: 'retire', id: ID });
  const { signBytes, hrs } = ask(100, 1, 'prevote', 'X');
  const expected = {
    id: ID,
    last: { hrs, signBytes, by: 'a', at: 5 },
    floor,
    haltHeight: 2n ** 62n,
    limits: { maxHeightJump: 3n, cutoverWindow: 2n },
    cutoverArmed: true,
    neverSigned: false,
    retired: true,
  };
  assert.deepEqual(state.read(ID), expected);
  assert.deepEqual(SignState.restore(state.snapshot()).read(ID), expected);
  // The frame may be reused once it was read.
  const frame = Buffer.from(state.snapshot());
  const restored = SignState.restore(frame);
  frame.fill(0);
  assert.deepEqual(restored.read(ID), expected);
});

test('what was read does not change with what is applied after it', () => {
  const state = new SignState();
  state.apply(registration({ kind: 'neverSigned' }));
  const before = state.read(ID);
  state.apply(ask(7, 0, 'prevote', 'X'));
  assert.equal(before?.last, null);
  assert.notEqual(state.read(ID), before);
});

/**
 * The bytes of version 1. Logs and snapshots of running clusters hold them, and replicas compare hashes
 * while they are upgraded one by one: a change here is a new version, never a new expectation.
 */
const SMALL: RecordId = { chainId: 'c', key: key('ed25519', 0xaa, 0xbb) };
const IMPORTED: RecordId = { ...SMALL, chainId: 'd' };
const FLOORED: RecordId = { ...SMALL, chainId: 'e' };
const vote = (id: RecordId) => ask(7, 1, 'precommit', 'nil', { id });
const versionOne: readonly (readonly [Command, string])[] = [
  [
    registration({ kind: 'neverSigned' }, { id: SMALL }),
    '08011a220a100a01631207656432353531391a02aabb1200220708c0843d10904e2a01613005',
  ],
  [
    registration(importOf(vote(IMPORTED), 'withBytes'), { id: IMPORTED }),
    '08011a480a100a01641207656432353531391a02aabb1a260a06080710011803121c1b0802110700' +
      '0000000000001901000000000000002a020801320164220708c0843d10904e2a01613005',
  ],
  [
    registration(importOf(vote(FLOORED), 'withoutBytes'), { id: FLOORED }),
    '08011a2a0a100a01651207656432353531391a02aabb1a080a06080710011803220708c0843d1090' +
      '4e2a01613005',
  ],
  [
    vote(SMALL),
    '080112420a100a01631207656432353531391a02aabb12060807100118031a1c1b08021107000000' +
      '000000001901000000000000002a0208013201632201612880d095ffbc31',
  ],
  [
    {
      kind: 'raiseFloor',
      id: SMALL,
      floor: { height: 2n ** 33n, round: 0, step: 1 },
      endsCutover: true,
    },
    '0801221e0a100a01631207656432353531391a02aabb120808808080802018011801',
  ],
  [
    {
      kind: 'raiseFloor',
      id: IMPORTED,
      floor: { height: 8n, round: 0, step: 1 },
      endsCutover: false,
    },
    '080122180a100a01641207656432353531391a02aabb120408081801',
  ],
  [
    { kind: 'setLimits', id: SMALL, limits: { maxHeightJump: 3n, cutoverWindow: 2n } },
    '08012a180a100a01631207656432353531391a02aabb120408031002',
  ],
  [
    { kind: 'setHaltHeight', id: SMALL, height: 2n ** 62n },
    '0801321c0a100a01631207656432353531391a02aabb10808080808080808040',
  ],
  [
    { kind: 'setHaltHeight', id: IMPORTED, height: null },
    '080132120a100a01641207656432353531391a02aabb',
  ],
  [{ kind: 'retire', id: FLOORED }, '08013a120a100a01651207656432353531391a02aabb'],
];

test('version 1 of commands, snapshot and hash', () => {
  const state = new SignState();
  for (const [command, expected] of versionOne) {
    assert.equal(hex(encodeCommand(command)), expected, command.kind);
    assert.ok(['done', 'verdict'].includes(state.apply(command).kind));
  }
  assert.equal(
    hex(state.snapshot()),
    '080112600a100a01631207656432353531391a02aabb12300a06080710011803121c1b0802110700' +
      '0000000000001901000000000000002a0208013201631a01612080d095ffbc311a08088080808020' +
      '1801208080808080808080402a0408031002380112500a100a01641207656432353531391a02aabb' +
      '122b0a06080710011803121c1b08021107000000000000001901000000000000002a020801320164' +
      '1a016120051a04080818012a0708c0843d10904e300112270a100a01651207656432353531391a02' +
      'aabb1a060807100118032a0708c0843d10904e30014001',
  );
  assert.equal(state.hash(), '6685ce7bbd9ea2c9a7bc8b86ddbd14c5f7379c7b25c454ab21ac924e5e5c8e03');
});
