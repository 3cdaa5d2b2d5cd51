/** A leader that cannot serve, or that stops on purpose, hands over instead of being missed. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MemberId } from '../src/index.js';
import { NodeWorld, until } from './node-world.js';
import { GatedLog } from './puppet-peers.js';

const names = ['a', 'b', 'c'];

async function world(t: TestContext, witnesses: readonly string[] = []): Promise<NodeWorld> {
  const w = await NodeWorld.create({ names, insecure: true, witnesses });
  t.after(() => w.dispose());
  return w;
}

const handedOver = (w: NodeWorld, name: string) =>
  new Promise<{ to: MemberId | null; reason: string }>((resolve) => {
    w.node(name).once('handedOver', (to, reason) => resolve({ to, reason }));
  });

test('an unfit leader hands over, and names why', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  const leader = await w.leader();
  const told = handedOver(w, leader);
  w.node(leader).setUnfit('the key backend fails');
  const { to, reason } = await told;
  assert.equal(reason, 'the key backend fails');
  assert.ok(to !== null && to !== leader);
  await w.leader(leader);
});

test('a leader whose log takes longer than an election hands over', async (t) => {
  const logs = new Map<string, GatedLog>();
  const openAll = (): void => {
    for (const log of logs.values()) log.openUp();
  };
  // Before the world ends: a node that stops waits for its write.
  t.after(openAll);
  const w = await world(t);
  for (const name of names) {
    await w.start(name, {
      storage: (disk) => {
        const log = new GatedLog(disk);
        logs.set(name, log);
        return log;
      },
    });
  }
  for (let isCommitted = false; !isCommitted; openAll()) {
    const leader = await w.leader();
    const told = handedOver(w, leader);
    logs.get(leader)?.shut();
    // The others are quick, so it commits; the leader's own disk is still writing. Where they are not, it hands over
    // before, and then another one is to.
    isCommitted = await w
      .node(leader)
      .propose(Buffer.from('one'), 30_000)
      .then(
        () => true,
        ({ code }) => {
          assert.equal(code, 'CONSENSUS_OUTCOME_UNKNOWN');
          return false;
        },
      );
    const { to, reason } = await told;
    assert.match(reason, /slower than the election timeout/);
    assert.ok(to !== null && to !== leader);
  }
});

test('a leader that is stopped hands over first: the others never miss it', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  const leader = await w.leader();
  const reasons: string[] = [];
  for (const name of names) {
    if (name !== leader) w.node(name).on('role', ({ reason }) => reasons.push(reason));
  }
  await w.stop(leader);
  await w.leader(leader);
  // Once the next one leads, a disk that stands still may make the other one miss that one.
  const before = reasons.slice(0, reasons.indexOf('won') + 1);
  assert.ok(before.includes('transfer'), reasons.join());
  assert.ok(!reasons.includes('peer_closed') && !before.includes('timeout'), reasons.join());
});

test('a witness that comes to lead serves nobody, and hands over to one with a key', async (t) => {
  const w = await world(t, ['c']);
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  const served: boolean[] = [];
  w.node('c').on('serving', (serving) => served.push(serving));
  const told = handedOver(w, 'c');
  const leader = w.node(await w.leader());
  assert.equal(await leader.transferLeadership('c'), 'c');
  const { to, reason } = await told;
  assert.equal(reason, 'a witness holds no key');
  assert.ok(to === 'a' || to === 'b');
  await w.commit('two');
  assert.deepEqual(served, []);
});

test('a proposal is copied before anything else', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  const leader = await w.leader();
  const command = Buffer.from('before');
  const sent = w.node(leader).propose(command, 30_000);
  command.write('after!');
  await sent;
  await until('all have it', () =>
    names.every((name) => w.replica(name).machine.entries[0] === 'before') ? true : undefined,
  );
});
