/** A cluster whose program is replaced, one replica at a time: when its rules change, and for whom that is too late. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Entry, RaftNode, RulesRange } from '../src/index.js';
import { append, command, rulesEntry } from './core-bench.js';
import { NodeWorld, type StartOptions, until, type WorldOptions } from './node-world.js';
import { Scene } from './puppet-peers.js';

const names = ['a', 'b', 'c'];
const old: RulesRange = { oldest: 1, newest: 1 };
const recent: RulesRange = { oldest: 1, newest: 2 };

async function running(t: TestContext, options: Partial<WorldOptions> = {}): Promise<NodeWorld> {
  const w = await NodeWorld.create({ names, insecure: true, ...options });
  t.after(() => w.dispose());
  await Promise.all(names.map((name) => w.start(name)));
  await until('all have founded', () =>
    names.every((name) => w.node(name).status() !== null) ? true : undefined,
  );
  return w;
}

/** As an operator does it: the next one only once this one is linked with all others again. */
async function upgrade(
  w: NodeWorld,
  name: string,
  how: StartOptions = {},
): Promise<RaftNode<number>> {
  await w.stop(name);
  const node = await w.start(name, { rules: recent, ...how });
  const others = [...w.replicas.keys()].filter((other) => other !== name && w.replica(other).node);
  await until(`${name} is linked`, () =>
    others.every((other) => node.isUp(w.idOf(other))) ? true : undefined,
  );
  return node;
}

const rulesOf = (w: NodeWorld, name: string): number => w.node(name).status()?.rules ?? 0;
const inForce = (w: NodeWorld, version: number, among = names): Promise<true> =>
  until(`version ${version} is in force`, () =>
    among.every((name) => rulesOf(w, name) === version) ? true : undefined,
  );
const agree = (w: NodeWorld, among: readonly string[], ends: string): Promise<string> =>
  until(`${among.join()} agree on ${ends}`, () => {
    const logs = new Set(among.map((name) => w.replica(name).machine.entries.join()));
    const [log = ''] = logs;
    return logs.size === 1 && log.endsWith(ends) ? log : undefined;
  });

for (const snapshotEntries of [10_000, 2]) {
  const how = snapshotEntries === 2 ? 'from snapshots' : 'by replay';
  test(`rules change once all know the next ones, for what follows, ${how} too`, async (t) => {
    const w = await running(t, { snapshotEntries });
    const raisedAt = new Set<number>();
    const notes = (node: RaftNode<number>) =>
      node.on('rulesRaised', ({ index }) => raisedAt.add(index));
    await w.commit('one');
    for (const [n, name] of names.entries()) {
      if (n > 0) assert.equal(rulesOf(w, names[0] ?? ''), 1, 'some are still of the old program');
      await w.commit(`before ${name}`);
      notes(await upgrade(w, name));
    }
    await inForce(w, 2);
    await w.commit('after');
    const applied = await agree(w, names, 'after!');
    assert.match(applied, /^one,before a,before b,before c/);
    assert.ok(!applied.slice(0, applied.indexOf('before c')).includes('!'), applied);
    // What stood in the log before is applied as it was then.
    for (const name of names) await w.stop(name);
    const again = names.map((name) => w.start(name, { rules: recent }).then(notes));
    await Promise.all(again);
    await w.commit('again');
    assert.equal(await agree(w, names, 'again!'), `${applied},again!`);
    await inForce(w, 2);
    assert.equal(raisedAt.size, 1, 'raised once, for ever');
  });
}

test('while one member is away nothing changes: nobody knows as what it comes back', async (t) => {
  const w = await running(t);
  await w.stop('c');
  for (const name of ['a', 'b']) await upgrade(w, name);
  await w.commit('one');
  await agree(w, ['a', 'b'], 'one');
  await w.start('c', { rules: old });
  await w.commit('two');
  await agree(w, names, 'two');
  await upgrade(w, 'c');
  await inForce(w, 2);
});

test('a learner and a witness count as well', async (t) => {
  const w = await running(t, { witnesses: ['c'] });
  const member = await w.newHome('d');
  await w.start('d', { joins: true, members: [...names, 'd'] });
  await w.change({ kind: 'addLearner', member });
  for (const name of ['a', 'b']) await upgrade(w, name);
  await w.commit('one');
  await agree(w, [...names, 'd'], 'one');
  await upgrade(w, 'c');
  await w.commit('two');
  await agree(w, [...names, 'd'], 'two');
  await upgrade(w, 'd', { members: [...names, 'd'] });
  await inForce(w, 2, [...names, 'd']);
});

test('after that the old program does not begin, and the others go on', async (t) => {
  const w = await running(t);
  for (const name of names) await upgrade(w, name);
  await inForce(w, 2);
  await w.stop('c');
  await assert.rejects(w.start('c', { rules: old }), {
    code: 'CONSENSUS_RULES_UNKNOWN',
    message: /version 2 of the rules from entry \d+ on; this program knows 1 to 1/,
    remedy: /upgrade\.md/,
  });
  await w.replica('c').node?.stop();
  await w.commit('the others go on');
  assert.deepEqual(w.replica('c').machine.entries, [], 'nothing was applied');
  await w.start('c', { rules: recent });
  await agree(w, names, 'the others go on!');
});

for (const snapshotEntries of [10_000, 5]) {
  const how = snapshotEntries === 5 ? 'a snapshot' : 'an entry';
  test(`who was admitted with the old program ends at ${how} of the new rules`, async (t) => {
    const w = await running(t, { snapshotEntries });
    for (const name of names) await upgrade(w, name);
    await inForce(w, 2);
    for (let i = 0; i < 12; i += 1) await w.commit(`e${i}`);
    const member = await w.newHome('d');
    await w.start('d', { joins: true, members: [...names, 'd'], rules: old });
    await w.change({ kind: 'addLearner', member });
    const ended = await w.ended('d');
    assert.ok('code' in ended && ended.code === 'CONSENSUS_RULES_UNKNOWN', String(ended));
    await w.commit('the others go on');
  });
}

test('an entry of rules that it does not know is neither written nor acknowledged', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.run();
  scene.b.say(append(1, [0, 0], [command(1, 1), rulesEntry(2, 1, 2)], 2));
  const [error] = await until('it ends', () => (scene.fatal.length > 0 ? scene.fatal : undefined));
  assert.ok(error !== undefined && 'code' in error);
  assert.equal(error.code, 'CONSENSUS_RULES_UNKNOWN');
  assert.equal(node.status()?.lastIndex, 0);
  assert.deepEqual(scene.machine.entries, []);
  assert.ok(!scene.b.messages().some(({ kind }) => kind === 'appendReply'));
  assert.ok(!scene.log.written.some((batch) => batch.entries !== undefined));
});

test('nor is an entry of a kind that it does not know', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.run();
  // What protobuf makes of a kind that came later: an entry that says nothing.
  const unknown: Entry = { kind: 'command', index: 1, term: 1, command: new Uint8Array() };
  scene.b.say(append(1, [0, 0], [Object.assign(unknown, { command: undefined })]));
  const [error] = await until('it ends', () => (scene.fatal.length > 0 ? scene.fatal : undefined));
  assert.ok(error !== undefined && 'code' in error);
  assert.equal(error.code, 'CONSENSUS_RECORD_UNKNOWN');
  assert.equal(node.status()?.lastIndex, 0);
});
