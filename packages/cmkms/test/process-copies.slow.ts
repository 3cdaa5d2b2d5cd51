/**
 * A copy of a home beside its original, with real processes: one identity never counts twice, and signing goes on.
 * Slow: run by name, `node --test dist/test/process-copies.slow.js`.
 */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { leaderOf, makePlaces } from './process-homes.js';
import { refuses, Scene } from './processes.js';
import { CHAIN, keyOf } from './scratch-homes.js';

/** Three that run, and a copy of the home of one that follows. */
async function copied(t: TestContext) {
  const scene = await Scene.open(t);
  const { directory } = scene;
  const validator = await scene.validator(CHAIN);
  const places = await makePlaces(directory, ['a', 'b', 'c'], [validator.address]);
  const running = new Map(places.map((place) => [place, scene.start(place.args)]));
  const sign = (height: number) => validator.sign(keyOf(1).publicKey, { height });
  await sign(1);
  const leader = await leaderOf(places);
  const place = places.find((each) => each !== leader) ?? leader;
  const original = running.get(place);
  assert.ok(original);
  const home = join(directory, 'copy');
  // As it is at one moment: a log that goes on while it is copied is a damaged one.
  original.signal('SIGSTOP');
  await cp(place.home, home, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  original.signal('SIGCONT');
  const elsewhere = ['--raft-addr', '--http-addr'];
  const twin = place.args.map((arg, i) => {
    if (place.args[i - 1] === '--home') return home;
    return elsewhere.includes(place.args[i - 1] ?? '') ? '127.0.0.1:0' : arg;
  });
  const others = [...running.values()].filter((process_) => process_ !== original);
  return { scene, others, original, sign, twin };
}

test('an older copy of a home beside its original: refused, and signing goes on', async (t) => {
  const { scene, others, original, sign, twin } = await copied(t);
  // What the original acknowledged since, the leader knows of it.
  for (let height = 2; height <= 6; height++) await sign(height);
  await refuses(scene.start(twin), 3, /^error DISK_DOUBTED: [abc] refuses this replica/);
  await sign(7);
  for (const process_ of [original, ...others]) assert.ok(process_.alive, process_.said);
});

test('a copy of a home as it is, beside its original: it waits, and the original signs on', async (t) => {
  const { scene, others, original, sign, twin } = await copied(t);
  const copy = scene.start(twin);
  await copy.until('peer_refused', ({ reason }) =>
    /another process of [abc] is linked/.test(String(reason)),
  );
  await sign(2);
  for (const process_ of [original, ...others]) assert.ok(process_.alive, process_.said);
  assert.deepEqual(copy.all('peer_up'), []);
});
