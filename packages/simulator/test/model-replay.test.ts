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
import { Random } from '../src/random.js';
import { runSeed } from '../src/run-seed.js';
import { drawSwarm } from '../src/swarm.js';

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
  const { divergence, failure, events, released, crashes } = await replaySeed(19);
  assert.deepEqual({ divergence, failure }, { divergence: null, failure: null });
  assert.ok(released > 10 && crashes > 1 && events > 100, 'little happened');
});

test('a world that is recorded is the same world', async () => {
  const recording = new Recording();
  const { hash } = await runSeed({ seed: 19, recording });
  assert.equal((await runSeed({ seed: 19 })).hash, hash);
  assert.ok(recording.events.length > 100);
});

test('a replica that took another’s place has its name in its commands, and an emptied disk has no mark', async () => {
  // e is replaced here, and the old one, which has lost its disk, is started again.
  const { divergence, released } = await replaySeed(17);
  assert.equal(divergence, null);
  assert.ok(released > 50, 'little happened');
});

test('worlds with disks that are put back are left out, and only those', () => {
  const [from, count] = [1, 20];
  const taken = seedsFrom(from, count);
  const all = Array.from({ length: (taken.at(-1) ?? 0) - from + 1 }, (_, n) => from + n);
  const isSound = (seed: number): boolean => {
    const { damage, oldCopy, wipe, clone } = drawSwarm(new Random(seed, 'world'), seed).rates;
    return [damage, oldCopy, wipe, clone].every((ms) => ms === Number.POSITIVE_INFINITY);
  };
  assert.deepEqual(taken, all.filter(isSound));
  assert.equal(taken.length, count);
});

for (const [name, why] of [
  ['released-before-the-mark', /^releaseOf cannot happen now/],
  ['time-is-content', /^refused for conflict; by what is applied: proposalRetimed/],
  ['unknown-taken-for-granted', /^what stands there was not proposed in this turn/],
] as const) {
  test(`rejected: a world of a program with ${name}`, async () => {
    // The first world in which the bug has something to do: which one that is, changes with every draw.
    for (const seed of seedsFrom(1, 12)) {
      const { divergence } = await replayPlanted(name, seed);
      if (divergence === null) continue;
      assert.match(divergence.why, why);
      assert.ok(divergence.events.length > 1);
      return;
    }
    assert.fail('all taken for behaviours');
  });
}
