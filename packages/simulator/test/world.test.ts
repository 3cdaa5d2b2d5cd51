/**
 * A seed is a whole history: the same in this process and in another, and clean where nothing is planted.
 *
 * Owns    the proof that nothing in a simulated world comes from outside of its seed, and a few seeds of the nightly
 *         run, which goes on with thousands.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runSeed, type SeedResult } from '../src/run-seed.js';

const main = fileURLToPath(new URL('../src/main.js', import.meta.url));

/** A few: the gate has more of them. */
const seeds = [1, 2, 3, 4];

test('a seed gives one history, in this process and in a fresh one, which is no other seed’s, and breaks no promise', async () => {
  const here = new Map<number, SeedResult>();
  for (const seed of seeds) here.set(seed, await runSeed({ seed }));
  for (const { failure, seed } of here.values()) {
    assert.equal(failure, null, `seed ${seed}: ${failure?.promise}: ${failure?.saw}`);
  }
  assert.equal(new Set([...here.values()].map(({ hash }) => hash)).size, seeds.length);
  const [first] = seeds;
  assert.ok(first !== undefined);
  const again = await runSeed({ seed: first });
  assert.equal(again.hash, here.get(first)?.hash);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [main, '--seed', '2', '--seeds', '2', '--jobs', '0', '--json'],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const elsewhere = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as SeedResult);
  assert.equal(elsewhere.length, 2);
  for (const { seed, hash } of elsewhere) assert.equal(hash, here.get(seed)?.hash, `seed ${seed}`);
});
