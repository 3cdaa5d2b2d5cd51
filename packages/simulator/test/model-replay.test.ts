/**
 * What a seeded world did is a behaviour of the specification; with a bug planted into the program it is none.
 *
 * Owns    for each of these bugs the reason by which the replay rejects it. The oracle of the simulator finds them as
 *         well: here only the specification is asked.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Recording } from '../src/model/recording.js';
import { type Replayed, replaySeed, seedsFrom } from '../src/model/replay.js';
import { runSeed } from '../src/run-seed.js';

const worker = fileURLToPath(new URL('../src/model/worker.js', import.meta.url));
const hooks = new URL('../src/planted/register.js', import.meta.url).href;

function replayPlanted(name: string, seed: number): Promise<Replayed> {
  const env = { ...process.env, CMKMS_PLANTED: name };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--import', hooks, worker, `${seed}`], { env }, (error, out) => {
      if (error === null) resolve(JSON.parse(out) as Replayed);
      else reject(error);
    });
  });
}

test('a world is a behaviour of the specification, crashes and all', async () => {
  const { divergence, failure, events, released, crashes } = await replaySeed(6);
  assert.deepEqual({ divergence, failure }, { divergence: null, failure: null });
  assert.ok(released > 10 && crashes > 1 && events > 100, 'little happened');
});

test('a world that is recorded is the same world', async () => {
  const recording = new Recording();
  const { hash } = await runSeed({ seed: 6, recording });
  assert.equal((await runSeed({ seed: 6 })).hash, hash);
  assert.ok(recording.events.length > 100);
});

test('worlds with disks that are put back are left out, and only those', () => {
  assert.deepEqual(seedsFrom(1, 5), [2, 4, 6, 7, 10]);
});

for (const [name, seed, why] of [
  ['released-before-the-mark', 6, /^releaseOf cannot happen now/],
  ['released-at-propose', 6, /^what stands there was not proposed in this turn/],
  ['time-is-content', 10, /^refused for conflict; by what is applied: proposalRetimed/],
  ['unknown-taken-for-granted', 6, /^what stands there was not proposed in this turn/],
] as const) {
  test(`rejected: a world of a program with ${name}`, async () => {
    const { divergence } = await replayPlanted(name, seed);
    assert.match(divergence?.why ?? 'taken for a behaviour', why);
    assert.ok((divergence?.events ?? []).length > 1);
  });
}
