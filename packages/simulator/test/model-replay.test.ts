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
import { Recording, speaksOf } from '../src/model/recording.js';
import { type Replayed, replaySeed, seedsFrom } from '../src/model/replay.js';
import { Random } from '../src/random.js';
import { runSeed } from '../src/run-seed.js';
import { drawSwarm } from '../src/swarm.js';

const worker = fileURLToPath(new URL('../src/model/worker.js', import.meta.url));
const hooks = new URL('../src/planted/register.js', import.meta.url).href;

/** A seed is another world after the next change of a draw: which one shows it is not fixed. */
const seeds = seedsFrom(1, 8);

/** A planted bug is looked for in one world after the other. */
async function firstDivergence(name: string): Promise<Replayed['divergence']> {
  for (const seed of seeds) {
    const { divergence } = await replayPlanted(name, seed);
    if (divergence !== null) return divergence;
  }
  return null;
}

function replayPlanted(name: string, seed: number): Promise<Replayed> {
  const env = { ...process.env, CMKMS_PLANTED: name };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--import', hooks, worker, `${seed}`], { env }, (error, out) => {
      if (error === null) resolve(JSON.parse(out) as Replayed);
      else reject(error);
    });
  });
}

test('worlds are behaviours of the specification, crashes and all', async () => {
  let seen = { released: 0, crashes: 0 };
  for (const seed of seeds) {
    const { divergence, failure, released, crashes } = await replaySeed(seed);
    assert.deepEqual({ divergence, failure }, { divergence: null, failure: null });
    seen = { released: seen.released + released, crashes: seen.crashes + crashes };
    if (seen.released > 50 && seen.crashes > 5) return;
  }
  assert.fail(`little happened: ${JSON.stringify(seen)}`);
});

test('a world that is recorded is the same world', async () => {
  const [seed] = seeds;
  assert.ok(seed !== undefined);
  const recording = new Recording();
  const { hash } = await runSeed({ seed, recording });
  assert.equal((await runSeed({ seed })).hash, hash);
  assert.ok(recording.events.length > 100);
});

test('worlds with disks that are put back are left out, and only those', () => {
  const all = Array.from({ length: 40 }, (_, at) => at + 1);
  const spoken = all.filter((seed) => speaksOf(drawSwarm(new Random(seed, 'world'), seed)));
  assert.deepEqual(seedsFrom(1, spoken.length), spoken);
  assert.ok(spoken.length > 5 && spoken.length < 35, `${spoken.length} of ${all.length}`);
});

for (const [name, why] of [
  ['released-before-the-mark', /^releaseOf cannot happen now/],
  ['released-at-propose', /^what stands there was not proposed in this turn/],
  ['time-is-content', /^refused for conflict; by what is applied: (proposalRetimed|allowed)/],
  ['unknown-taken-for-granted', /^what stands there was not proposed in this turn/],
] as const) {
  test(`rejected: a world of a program with ${name}`, async () => {
    const divergence = await firstDivergence(name);
    assert.match(divergence?.why ?? 'taken for behaviours', why);
    assert.ok((divergence?.events ?? []).length > 1);
  });
}
