/** The suite's verdict sees a second content, names the fault, and knows only ends that the table of errors knows. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { voteSignBytes } from '@cometkms/sign-state';
import { catalogue } from '../src/chaos/catalogue.js';
import { judgeReleased } from '../src/chaos/verdict.js';
import type { ReleasedLine } from '../src/validator/released.js';
import { blockNamed, nil } from '../src/validator/validator.js';

const directory = mkdtempSync(join(tmpdir(), 'chaos-verdict-'));
after(() => rmSync(directory, { recursive: true }));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');

function released(at: string, height: number, block: string | null): ReleasedLine {
  const vote = { type: 2 as const, height: BigInt(height), round: 0 };
  const blockId = block === null ? nil : blockNamed(block);
  const signBytes = voteSignBytes('test-1', {
    ...vote,
    blockId,
    timestamp: { seconds: 1n, nanos: 0 },
  });
  return {
    ...{ at, chainId: 'test-1', key, height, round: 0, step: 3, tookMs: 1 },
    signBytes: Buffer.from(signBytes).toString('hex'),
    signature: sign(null, signBytes, privateKey).toString('hex'),
  };
}

const scenes = [
  { from: new Date('2026-01-01T00:00:10Z'), name: 'first fault' },
  { from: new Date('2026-01-01T00:00:20Z'), name: 'second fault' },
];

function judged(...lines: readonly ReleasedLine[]) {
  const file = join(directory, 'released.jsonl');
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return judgeReleased(file, scenes);
}

test('one content per position is clean', () => {
  const verdict = judged(
    released('2026-01-01T00:00:01Z', 7, 'X'),
    released('2026-01-01T00:00:21Z', 8, null),
  );
  assert.deepEqual(verdict.faults, []);
  assert.match(verdict.says, /2 signatures at 2 positions, double signs 0/);
});

test('a second signature, forged into the record, is found with the fault that was played then', () => {
  const verdict = judged(
    released('2026-01-01T00:00:12Z', 7, 'X'),
    released('2026-01-01T00:00:21Z', 7, null),
  );
  assert.equal(verdict.faults.length, 1);
  assert.match(verdict.faults[0] ?? '', /DOUBLE SIGN.*\n {4}during: second fault$/);
});

test('a record that cannot be read is no clean one', () => {
  const broken = { ...released('2026-01-01T00:00:12Z', 7, 'X'), signBytes: '0102' };
  assert.notDeepEqual(judged(broken).faults, []);
});

test('each end that a fault allows is in the table of errors, with its exit code', () => {
  const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
  const exitOf = (code: string): number | undefined => {
    const own = page
      .slice(0, page.indexOf(`| \`${code}\``))
      .match(/### Exit (\d)/g)
      ?.at(-1);
    const column = new RegExp(`^\\| \`${code}\` \\| (\\d) \\|`, 'm').exec(page)?.[1];
    return page.includes(`\`${code}\``) ? Number(column ?? own?.at(-1)) : undefined;
  };
  const ends = catalogue.flatMap(({ ends = [] }) => ends);
  for (const { exit, codes } of ends) {
    // Exit 1 is "unexpected", which has no row.
    for (const code of codes) if (exit !== 1) assert.equal(exitOf(code), exit, code);
  }
});
