/** An identity is used by one disk and one process: copies are refused, and the original goes on. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NodeWorld, until } from './node-world.js';

const names = ['a', 'b', 'c'];

async function running(t: TestContext): Promise<NodeWorld> {
  const w = await NodeWorld.create({ names });
  t.after(() => w.dispose());
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  return w;
}

test('a copy that is started beside the original is refused, and the original goes on', async (t) => {
  const w = await running(t);
  const name = names.find((one) => w.node(one).status()?.role !== 'leader') ?? '';
  await w.stop(name);
  const directory = join(w.directory, 'copy');
  cpSync(w.replica(name).directory, directory, { recursive: true });
  await w.start(name);
  await w.commit('two');
  await until('its start is known', () =>
    names.every((one) => one === name || w.node(one).isUp(w.node(name).id)) ? true : undefined,
  );
  await w.start(name, { directory, beside: true });
  const { message } = await until('refused', () => w.replica(`${name}'`).fatal ?? undefined);
  assert.match(message, /two processes show start|leads to the replica itself/);
  await w.commit('three');
  await until('the original applies', () =>
    w.replica(name).machine.entries.includes('three') ? true : undefined,
  );
  assert.equal(w.replica(name).fatal, null);
});

test('a replica that led and comes back on an older disk is refused by who followed it', async (t) => {
  const w = await running(t);
  const leader = await w.leader();
  const [follower = '', absent = ''] = names.filter((name) => name !== leader);
  // Committed by the leader and one other, so that the third cannot speak for what is lost.
  await w.stop(absent);
  await w.commit('two');
  await until('nothing is being written', () =>
    w.node(leader).logStats().inFlightMs === 0 ? true : undefined,
  );
  const directory = join(w.directory, 'backup');
  cpSync(w.replica(leader).directory, directory, { recursive: true });
  for (let i = 3; i <= 8; i += 1) await w.commit(`${i}`);
  // First who follows: a leader without followers hands over to nobody.
  await w.stop(follower);
  await w.stop(leader);
  await w.start(follower);
  await w.start(leader, { directory });
  const { message } = await until('refused', () => w.replica(leader).fatal ?? undefined);
  assert.match(message, /shows entries up to \d+, it acknowledged \d+/);
  await w.start(absent);
  await w.commit('nine');
});

test('a restart under load is never taken for an older disk', async (t) => {
  const w = await running(t);
  for (let round = 0; round < 4; round += 1) {
    const leader = w.node(await w.leader());
    const sent = Array.from({ length: 50 }, (_, i) =>
      leader.propose(Buffer.from(`${round}.${i}`), 30_000).catch((error: unknown) => error),
    );
    const name = names[round % names.length] ?? '';
    await w.stop(name);
    await w.start(name);
    await Promise.all(sent);
    await w.commit(`after ${round}`);
  }
  for (const name of names) assert.equal(w.replica(name).fatal, null);
});
