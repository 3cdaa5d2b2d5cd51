/**
 * A copy of a home beside its original, with real processes: one identity never counts twice, and signing goes on.
 * Slow: run by name, `node --test dist/test/process-copies.slow.js`.
 */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from './cluster.js';
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
  const { scene, others, sign, twin } = await copied(t);
  // What the original acknowledged since, the leader knows of it.
  for (let height = 2; height <= 6; height++) await sign(height);
  await refuses(scene.start(twin), 3, /^error DISK_DOUBTED: [abc] refuses this replica/);
  await sign(7);
  // A member that had not counted the original's acknowledgements may doubt that one, too: its start is older.
  for (const process_ of others) assert.ok(process_.alive, process_.said);
});

test('a copy of a home as it is, beside its original: one of the two ends, and signing goes on', async (t) => {
  const { scene, others, original, sign, twin } = await copied(t);
  const copy = scene.start(twin);
  const pair = [copy, original];
  const ended = await until('one of the two ends', () => pair.find(({ alive }) => !alive));
  const left = ended === copy ? original : copy;
  await refuses(ended, 3, /^error DISK_DOUBTED: [abc] refuses this replica/);
  await sign(2);
  for (const process_ of [left, ...others]) assert.ok(process_.alive, process_.said);
});
