/** The checker from outside: it passes what is right, and finds each thing that is planted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { proposalSignBytes, voteSignBytes } from '@cometkms/sign-state';
import type { ReleasedLine } from '../src/validator/released.js';
import { blockNamed, nil } from '../src/validator/validator.js';

const checker = fileURLToPath(new URL('../../check-released.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'check-released-'));
after(() => rmSync(directory, { recursive: true }));

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

function line(
  step: 1 | 2 | 3,
  height: number,
  block: string | null,
  seconds = 1n,
  by: KeyObject = privateKey,
): ReleasedLine {
  const at = { height: BigInt(height), round: 0, timestamp: { seconds, nanos: 7 } };
  const blockId = block === null ? nil : blockNamed(block);
  const signBytes =
    step === 1
      ? proposalSignBytes('test-1', { ...at, polRound: -1, blockId })
      : voteSignBytes('test-1', { ...at, type: step === 2 ? 1 : 2, blockId });
  return {
    at: '2026-01-01T00:00:00Z',
    chainId: 'test-1',
    key,
    height,
    round: 0,
    step,
    signBytes: Buffer.from(signBytes).toString('hex'),
    signature: sign(null, signBytes, by).toString('hex'),
    tookMs: 1,
  };
}

function check(...lines: ReleasedLine[]): { status: number | null; out: string } {
  const file = join(directory, 'released.jsonl');
  writeFileSync(file, lines.map((l) => `${JSON.stringify(l)}\n`).join(''));
  const run = spawnSync(process.execPath, [checker, file], { encoding: 'utf8' });
  return { status: run.status, out: run.stdout + run.stderr };
}

test('a clean record passes, repeats and retimed repeats included', () => {
  const { status, out } = check(
    line(1, 7, 'X'),
    line(2, 7, 'X'),
    line(2, 7, 'X'),
    line(2, 7, 'X', 99n),
    line(3, 7, null),
    line(3, 8, 'Y'),
  );
  assert.equal(status, 0, out);
  assert.match(out, /6 signatures at 4 positions, double signs 0, invalid 0/);
});

const faults: readonly (readonly [string, ReleasedLine[], RegExp])[] = [
  ['two blocks at one position', [line(3, 7, 'X'), line(3, 7, 'Y')], /DOUBLE SIGN/],
  ['a block and nil at one position', [line(2, 7, 'X'), line(2, 7, null)], /DOUBLE SIGN/],
  ['two proposals at one position', [line(1, 7, 'X'), line(1, 7, 'Y')], /DOUBLE SIGN/],
  [
    'a signature by another key',
    [line(3, 7, 'X', 1n, generateKeyPairSync('ed25519').privateKey)],
    /signature is invalid/,
  ],
  ['bytes that say another height', [{ ...line(3, 7, 'X'), height: 8 }], /another height/],
];
for (const [what, lines, says] of faults) {
  test(`found: ${what}`, () => {
    const { status, out } = check(...lines);
    assert.equal(status, 1);
    assert.match(out, says);
  });
}

test('what cannot be read is no clean record', () => {
  const broken = { ...line(3, 7, 'X'), signBytes: '0102' };
  assert.equal(check(broken).status, 2);
});
