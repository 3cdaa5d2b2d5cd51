/** Three real nodes: founded once by all, committing, losing their leader, restarting, catching up. */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NodeWorld, until, type WorldOptions } from './node-world.js';

const names = ['a', 'b', 'c'];
const bytes = (text: string): Uint8Array => Buffer.from(text);

async function world(t: TestContext, options: Partial<WorldOptions> = {}): Promise<NodeWorld> {
  const made = await NodeWorld.create({ names, ...options });
  t.after(() => made.dispose());
  return made;
}

const agree = (w: NodeWorld, among: readonly string[], last: string): Promise<true> =>
  until(`${among.join()} agree`, () => {
    const logs = among.map((name) => w.replica(name).machine.entries.join());
    return new Set(logs).size === 1 && logs[0]?.endsWith(last) ? true : undefined;
  });

for (const insecure of [false, true]) {
  test(`${insecure ? 'insecure' : 'TLS'}: founded by all, then a quorum is enough`, async (t) => {
    const w = await world(t, { insecure });
    await w.start('b');
    await w.start('a');
    assert.equal(w.node('a').status(), null, 'founded without c');
    await w.start('c');
    await w.commit('one');
    await agree(w, names, 'one');
    const leader = await w.leader();
    await w.stop(leader);
    await w.commit('two');
    await w.start(leader);
    await agree(w, names, 'two');
  });
}

test('a member that is missing at the founding is named', async (t) => {
  const w = await world(t);
  const node = await w.start('a');
  const missing = new Promise<string[]>((resolve) => {
    node.on('founding', (step) => {
      if (step.kind === 'wait') resolve(step.missing.map((m) => m.name));
    });
  });
  await w.start('b');
  assert.deepEqual(await missing, ['c']);
});

test('a proposal to a follower is refused, and nothing was written', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  const leader = await w.leader();
  const follower = names.find((name) => name !== leader) ?? '';
  await assert.rejects(w.node(follower).propose(bytes('x'), 1000), {
    code: 'CONSENSUS_NOT_LEADER',
  });
});

test('many proposals at once are applied in one order everywhere', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  const leader = w.node(await w.leader());
  const sent = Array.from({ length: 200 }, (_, i) => leader.propose(bytes(`p${i}`), 10_000));
  const answers = await Promise.all(sent);
  assert.equal(new Set(answers.map(({ answer }) => answer)).size, 200);
  await until('all have all', () =>
    names.every((name) => w.replica(name).machine.entries.length === 200) ? true : undefined,
  );
  const logs = names.map((name) => w.replica(name).machine.entries.join());
  assert.equal(new Set(logs).size, 1);
});

test('a replica that was away catches up by a snapshot, and all restart from theirs', async (t) => {
  const w = await world(t, { snapshotEntries: 20 });
  await Promise.all(names.map((name) => w.start(name)));
  const away = names.find((name) => name !== 'a') ?? '';
  await w.commit('start');
  await w.stop(away);
  const had = w.replica(away).machine.entries.length;
  for (let i = 0; i < 60; i += 1) await w.commit(`e${i}`);
  await w.start(away);
  await agree(w, names, 'e59');
  const { restored } = w.replica(away).machine;
  assert.ok(
    restored.some((entries) => entries > had),
    `of ${restored} none was sent`,
  );
  for (const name of names) await w.stop(name);
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('after');
  await agree(w, names, 'after');
});

test('leadership is handed over on request', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  const first = await w.leader();
  await w.node(first).transferLeadership(null);
  assert.notEqual(await w.leader(first), first);
});

test('a replica whose log was wiped is refused by those who know it', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  await agree(w, names, 'one');
  // Each member has counted a promise of each other, or learnt that it joined.
  for (const name of names) {
    await w.stop(name);
    await w.start(name);
    await w.commit(`after ${name}`);
  }
  const wiped = names.find((name) => w.node(name).status()?.role !== 'leader') ?? '';
  await w.stop(wiped);
  rmSync(w.replica(wiped).directory, { recursive: true });
  w.replica(wiped).joined = null;
  await w.start(wiped);
  const { message } = await until('refused', () => w.replica(wiped).fatal ?? undefined);
  assert.match(message, /joined before, and its log is empty now/);
  await w.commit('the others go on');
});

test('an old copy of a disk is refused', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  const old = names.find((name) => w.node(name).status()?.role !== 'leader') ?? '';
  await w.stop(old);
  const copy = join(w.directory, 'copy');
  cpSync(w.replica(old).directory, copy, { recursive: true });
  await w.start(old);
  await w.commit('two');
  await agree(w, names, 'two');
  await w.stop(old);
  await w.start(old);
  await until('its new start is known', () =>
    names.every((name) => name === old || w.node(name).helloOf(w.node(old).id)) ? true : undefined,
  );
  await w.stop(old);
  await w.start(old, { directory: copy });
  const { message } = await until('refused', () => w.replica(old).fatal ?? undefined);
  assert.match(message, /refuses this replica/);
});
