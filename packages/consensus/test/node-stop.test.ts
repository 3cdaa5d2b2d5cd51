/** A node may be stopped at any moment, and may fail at any; nothing of it goes on afterwards. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { until } from './node-world.js';
import { Scene } from './puppet-peers.js';

test('stopped while its start is being numbered, it greets nobody', async (t) => {
  const scene = await Scene.set(t);
  await scene.ended(await scene.run());
  const greeted = scene.b.hellos.length;
  scene.log.shut();
  const node = scene.make();
  const started = node.start();
  await until('the number is being written', () => scene.log.isWriting || undefined);
  const stopped = node.stop();
  scene.log.openUp();
  await Promise.all([started, stopped]);
  assert.equal(scene.b.hellos.length, greeted);
  assert.equal(node.isUp('b'), false);
  assert.deepEqual(scene.fatal, []);
});

test('stopped while the genesis is being written, the next start finishes the founding', async (t) => {
  const scene = await Scene.set(t);
  scene.log.shut();
  const node = scene.make();
  await node.start();
  await until('the genesis is being written', () => scene.log.isWriting || undefined);
  const stopped = node.stop();
  scene.log.openUp();
  await stopped;
  assert.equal(scene.recorded, null, 'the record belongs to the next start');
  await scene.ended(node);
  await scene.run();
  assert.notEqual(scene.recorded, null);
});

test('stopped while the record is being written, it waits for that, and founds nothing', async (t) => {
  const scene = await Scene.set(t);
  const order: string[] = [];
  const record = new EventEmitter();
  const begun = once(record, 'begun');
  const recordJoined = async () => {
    record.emit('begun');
    await once(record, 'go on');
    order.push('recorded');
  };
  const node = scene.make({ recordJoined });
  node.on('founded', () => order.push('founded'));
  await node.start();
  await begun;
  const stopped = node.stop().then(() => order.push('stopped'));
  // Meanwhile another one starts, founds and stops, whole: without waiting, this one would have ended.
  const other = await Scene.set(t);
  await other.ended(await other.run());
  record.emit('go on');
  await stopped;
  assert.deepEqual(order, ['recorded', 'stopped']);
  assert.equal(node.status(), null);
});

test('stopped before it was started, and stopped twice', async (t) => {
  const scene = await Scene.set(t);
  await scene.make().stop();
  await scene.ended(scene.make());
  const node = await scene.run();
  await Promise.all([node.stop(), node.stop()]);
  assert.deepEqual(scene.fatal, []);
});

test('stopped with a write and proposals under way: unknown, and the write is waited for', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.leading(scene.b);
  scene.log.shut();
  const sent = [0, 1, 2].map((n) => node.propose(Buffer.from(`p${n}`), 30_000));
  // Committed by the others' word or not: never refused, as if nothing had been written.
  const fates = Promise.allSettled(sent);
  await until('a write is under way', () => scene.log.isWriting || undefined);
  const stopped = node.stop();
  scene.log.openUp();
  await stopped;
  for (const fate of await fates) {
    if (fate.status === 'rejected') assert.equal(fate.reason.code, 'CONSENSUS_OUTCOME_UNKNOWN');
  }
  await assert.rejects(node.propose(Buffer.from('late'), 30_000), { code: 'CONSENSUS_NOT_LEADER' });
});

test('a transfer that is under way ends with the node', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.leading(scene.b);
  let refused = false;
  node.transferLeadership('c').catch(({ code }) => {
    refused = code === 'CONSENSUS_NOT_LEADER';
  });
  scene.log.failWith(new Error('EIO'));
  scene.b.say({ kind: 'vote', term: 50, lastIndex: 99, lastTerm: 49, transfer: true });
  await new Promise<void>((resolve) => {
    scene.onFatal = resolve;
  });
  // Not the refusal itself: it would also come later, by the time a transfer may take.
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(refused, 'it waits for a successor that it would not hear of');
});

for (const event of ['founding', 'founded', 'linkUp', 'synced', 'role', 'serving'] as const) {
  test(`a listener of ${event} that throws ends the node, here and once`, async (t: TestContext) => {
    const scene = await Scene.set(t);
    scene.b.votes = true;
    const node = scene.make();
    const untyped: EventEmitter = node as EventEmitter;
    untyped.on(event, () => {
      throw new Error('a listener failed');
    });
    await node.start();
    const error = await until('fatal', () => scene.fatal[0]);
    assert.match(error.message, /a listener failed/);
    await node.stop();
    assert.equal(scene.fatal.length, 1);
  });
}
