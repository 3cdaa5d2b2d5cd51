/** What a node tells of its lease, where only time has changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '../src/index.js';
import { until } from './node-world.js';
import { Scene } from './puppet-peers.js';

const timers = { heartbeatIntervalMs: 50, electionTimeoutMs: 400, leaseMs: 350 };

test('a lease that runs out between two steps is told, though the next step renews it', async (t) => {
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => performance.now() + aheadMs };
  const scene = await Scene.set(t);
  const node = await scene.leading(scene.b, { timers, clock });
  const told: boolean[] = [];
  node.on('serving', (serving) => told.push(serving));
  // The lease rests on the beat before this one, and would outlive it by the answer to this one.
  scene.b.votes = false;
  const earlier = scene.b.messages().length;
  const beat = await until('the next beat', () => scene.b.messages()[earlier]);
  aheadMs += timers.leaseMs - timers.heartbeatIntervalMs / 2;
  assert.equal(node.mayServe(), false, 'it has run out, and nothing was stepped');
  scene.b.answer(beat);
  scene.b.votes = true;
  await until('told twice', () => (told.length >= 2 ? true : undefined));
  assert.deepEqual(told.slice(0, 2), [false, true]);
});
