/** priv_validator_state.json: read strictly, written as Go writes it, derived so that a plain node can always load it. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Hrs, Position, SigningRecord, Step } from '@cometkms/sign-state';
import fc from 'fast-check';
import {
  deriveStateFile,
  formatStateFile,
  parseStateFile,
  readStateFile,
  SignerError,
  writeStateFile,
} from '../src/index.js';
import { inTemporaryDirectory } from './temporary.js';
import { bytesOf, hrs, id, key, limits } from './worlds.js';

const at = hrs(12345, 2, 3);
const signBytes = bytesOf(at, 'X');
const signature = new Uint8Array(await key.sign(signBytes));
const hex = Buffer.from(signBytes).toString('hex').toUpperCase();
const base64 = Buffer.from(signature).toString('base64');
const good = { height: '12345', round: 2, step: 3, signature: base64, signbytes: hex };

test('the format is Go’s: height quoted, upper-case hex, two spaces, nothing when nothing is signed', () => {
  assert.equal(
    formatStateFile({ position: at, signed: { signature, signBytes } }),
    `{\n  "height": "12345",\n  "round": 2,\n  "step": 3,\n  "signature": "${base64}",\n  "signbytes": "${hex}"\n}`,
  );
  assert.equal(
    formatStateFile({ position: { height: 0n, round: 0, step: 0 }, signed: null }),
    '{\n  "height": "0",\n  "round": 0,\n  "step": 0\n}',
  );
});

test('what is good is read, with hex in either case', () => {
  for (const signbytes of [hex, hex.toLowerCase()]) {
    const read = parseStateFile(JSON.stringify({ ...good, signbytes }), 'p');
    assert.deepEqual(read, { position: at, signed: { signature, signBytes } });
  }
  assert.deepEqual(parseStateFile('{"height":"0","round":0,"step":0}', 'p'), {
    position: { height: 0n, round: 0, step: 0 },
    signed: null,
  });
});

const { signature: _s, signbytes: _b, ...alone } = good;
const damages: readonly (readonly [why: string, file: unknown, says: RegExp])[] = [
  ['an empty file', '', /empty/],
  ['spaces', ' \n', /empty/],
  ['half a file', JSON.stringify(good).slice(0, 40), /not JSON/],
  ['zeros, as a lost write leaves them', '\0'.repeat(64), /not JSON/],
  ['null', null, /no object/],
  ['a list', [], /no object/],
  ['a bare number height', { ...good, height: 12345 }, /bare number/],
  ['no height', { round: 2, step: 3 }, /height/],
  ['a height below zero', { ...good, height: '-1' }, /decimal/],
  ['a height with a leading zero', { ...good, height: '012345' }, /decimal/],
  ['a height in hex', { ...good, height: '0x10' }, /decimal/],
  ['an empty height', { ...good, height: '' }, /decimal/],
  ['a height above int64', { ...alone, height: '9223372036854775808' }, /int64/],
  ['a round in quotes, as horcrux and tmkms write it', { ...good, round: '2' }, /round/],
  ['a round below zero', { ...good, round: -1 }, /int32/],
  ['a broken round', { ...good, round: 2.5 }, /round/],
  ['a round above int32', { ...alone, round: 2 ** 31 }, /int32/],
  ['step 4', { ...good, step: 4 }, /step/],
  ['a step in quotes', { ...good, step: '3' }, /step/],
  ['no step', { height: '12345', round: 2 }, /step/],
  ['a signature without signbytes', { ...alone, signature: base64 }, /without signbytes/],
  ['signbytes without a signature', { ...alone, signbytes: hex }, /without a signature/],
  ['an empty signature', { ...good, signature: '' }, /signature/],
  ['a signature that is no base64', { ...good, signature: `${base64}!` }, /base64/],
  ['signbytes that are no hex', { ...good, signbytes: `${hex}G0` }, /hex/],
  ['signbytes of odd length', { ...good, signbytes: hex.slice(1) }, /hex/],
  ['signbytes that are no vote', { ...good, signbytes: 'DEADBEEF' }, /signbytes/],
  ['signbytes of another height', { ...good, height: '12346' }, /another position/],
  ['signbytes of another step', { ...good, step: 2 }, /another position/],
  ['a field of tmkms', { ...alone, block_id: {} }, /foreign field "block_id"/],
];
for (const [why, file, says] of damages) {
  test(`refused as damaged: ${why}`, () => {
    const text = typeof file === 'string' ? file : JSON.stringify(file);
    assert.throws(
      () => parseStateFile(text, 'the/path'),
      (error: unknown) =>
        error instanceof SignerError &&
        error.code === 'SIGNER_STATE_DAMAGED' &&
        error.message.includes('the/path') &&
        says.test(error.message),
    );
  });
}

test('a missing file is missing, not empty; what is written is read back', () =>
  inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'priv_validator_state.json');
    await assert.rejects(readStateFile(path), { code: 'SIGNER_STATE_MISSING' });
    await writeFile(path, '');
    await assert.rejects(readStateFile(path), { code: 'SIGNER_STATE_DAMAGED' });
    const state = { position: at, signed: { signature, signBytes } };
    await writeStateFile(path, state);
    assert.deepEqual(await readStateFile(path), state);
    assert.equal(await readFile(path, 'utf8'), formatStateFile(state));
  }));

// ------------------------------------------------------------------------------- derivation

function record(last: Hrs | null, floor: Position | null): SigningRecord {
  return {
    id,
    last: last && { hrs: last, signBytes: bytesOf(last, 'X'), by: 'a', at: 0 },
    floor,
    haltHeight: null,
    limits,
    cutoverArmed: false,
    neverSigned: last === null && floor === null,
    retired: false,
  };
}

const X = { hrs: at, signBytes, signature };
const derivations = [
  ['nothing signed gives Go’s initial file', record(null, null), X, '0/0/0', false],
  ['the last reservation with its own signature', record(at, null), X, '12345/2/3', true],
  ['no signature known', record(at, null), null, '12345/2/3', false],
  ['a signature of an earlier place', record(hrs(12346), null), X, '12346/0/2', false],
  [
    'a signature over other bytes of the same place',
    record(at, null),
    { ...X, signBytes: bytesOf(at, 'X', 1) },
    '12345/2/3',
    false,
  ],
  ['a floor below the last changes nothing', record(at, hrs(9)), X, '12345/2/3', true],
  ['a floor at the last ends its repeat', record(at, at), X, '12345/2/3', false],
  ['a floor above the last stands alone', record(at, hrs(20000)), X, '20000/0/2', false],
  ['a floor alone', record(null, hrs(20000)), null, '20000/0/2', false],
] as const;
for (const [why, from, known, position, signed] of derivations) {
  test(`derived: ${why}`, () => {
    const state = deriveStateFile(from, known);
    const { height, round, step } = state.position;
    assert.equal(`${height}/${round}/${step}`, position);
    assert.equal(state.signed !== null, signed);
  });
}

test('whatever record it is derived from, the file is one that a plain node loads', () => {
  const place = fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 1 }),
      fc.constantFrom<Step>(1, 2, 3),
    )
    .map(([height, round, step]) => hrs(height, round, step));
  const signedPlace = fc.record({ hrs: place, seconds: fc.integer({ min: 0, max: 1 }) });
  fc.assert(
    fc.property(
      fc.option(place),
      fc.option(place),
      fc.option(signedPlace),
      (last, floor, known) => {
        const state = deriveStateFile(
          record(last, floor),
          known && { hrs: known.hrs, signBytes: bytesOf(known.hrs, 'X', known.seconds), signature },
        );
        // The strict reader takes it: both or neither, and the bytes say the file's position.
        assert.deepEqual(parseStateFile(formatStateFile(state), 'p'), state);
      },
    ),
  );
});
