/** Members that come and go, over real links and real logs. */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConsensusError, Membership } from '../src/index.js';
import { NodeWorld, until, type WorldOptions } from './node-world.js';

const names = ['a', 'b', 'c'];
const all = [...names, 'd'];

async function running(t: TestContext, options: Partial<WorldOptions> = {}): Promise<NodeWorld> {
  const w = await NodeWorld.create({ names, insecure: true, ...options });
  t.after(() => w.dispose());
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  return w;
}

const shown = (membership: Membership | null): string =>
  [membership?.voters ?? [], membership?.learners ?? []]
    .map((list) => list.map(({ name }) => name).join(''))
    .join('|');

const applies = (w: NodeWorld, name: string, text: string): Promise<true> =>
  until(`${name} applies ${text}`, () =>
    w.replica(name).machine.entries.includes(text) ? true : undefined,
  );

const ended = async (w: NodeWorld, name: string): Promise<ConsensusError> =>
  until(`${name} ends`, () => (w.replica(name).fatal as ConsensusError | null) ?? undefined);

for (const insecure of [true, false]) {
  const links = insecure ? 'bare' : 'TLS';
  test(`${links}: a fourth member joins as a learner, catches up, and is promoted`, async (t) => {
    const w = await running(t, { insecure, snapshotEntries: 20 });
    for (let i = 0; i < 60; i += 1) await w.commit(`e${i}`);
    const member = await w.newHome('d');
    const node = await w.start('d', { joins: true, members: all });
    assert.equal(node.status(), null, 'it waits to be admitted');
    const joined = new Promise<string>((resolve) => {
      node.once('joined', ({ admitted }) => resolve(shown(admitted?.membership ?? null)));
    });
    assert.equal(shown(await w.change({ kind: 'addLearner', member })), 'abc|d');
    assert.equal(await joined, 'abc|d');
    assert.notEqual(w.replica('d').joined, null);
    await applies(w, 'd', 'e59');
    assert.equal(shown(await w.change({ kind: 'promote', id: member.id })), 'abcd|');
    // Three of four: without one of the founders, d is needed.
    const leader = await w.leader();
    await w.stop(names.find((name) => name !== leader) ?? '');
    await w.commit('two');
    await applies(w, 'd', 'two');
    assert.equal(shown(w.node('d').membership), 'abcd|');
  });
}

test('a change is told when it is in force, and when it is committed', async (t) => {
  const w = await running(t);
  const told: [string, boolean][] = [];
  const leader = await w.leader();
  const done = new Promise<void>((resolve) => {
    w.node(leader).on('membership', ({ membership, committed }) => {
      told.push([shown(membership), committed]);
      if (committed) resolve();
    });
  });
  const member = await w.newHome('d');
  await w.node(leader).change({ kind: 'addLearner', member }, 30_000);
  await done;
  assert.deepEqual(told, [
    ['abc|d', false],
    ['abc|d', true],
  ]);
});

test('what is refused says why, and what cannot be dialled never comes into the log', async (t) => {
  const w = await running(t);
  const node = w.node(await w.leader());
  const member = await w.newHome('d');
  const change = (address: string, name = 'd') =>
    node.change({ kind: 'addLearner', member: { ...member, address, name } }, 30_000);
  await assert.rejects(change('nowhere'), { code: 'CONSENSUS_ADDRESS_INVALID' });
  await assert.rejects(change(member.address, 'no name'), { code: 'CONSENSUS_NAME_INVALID' });
  await assert.rejects(change(member.address, 'b'), {
    code: 'CONSENSUS_CHANGE_REFUSED',
    message: 'this change of the members is not made: a member is called b already',
  });
  const follower = names.find((name) => w.node(name) !== node) ?? '';
  const promote = w.node(follower).change({ kind: 'promote', id: 'b' }, 30_000);
  await assert.rejects(promote, { code: 'CONSENSUS_NOT_LEADER' });
  assert.equal(shown(node.membership), 'abc|');
});

test('a member whose disk is lost is replaced under its name; its old identity stays out', async (t) => {
  const w = await running(t, { insecure: false });
  const leader = await w.leader();
  const lost = names.find((name) => name !== leader) ?? '';
  const rest = names.filter((name) => name !== lost);
  const id = w.idOf(lost);
  await w.stop(lost);
  const backup = join(w.directory, 'backup');
  cpSync(w.replica(lost).directory, backup, { recursive: true });
  const member = await w.newHome('new', lost);
  // Started before the change: it waits, though its name goes with another identity still.
  await w.start('new', { joins: true, members: [...rest, 'new'] });
  await w.commit('two');
  const made = await w.change({ kind: 'replace', id, member });
  assert.equal(shown(made), `${rest.join('')}|${lost}`);
  await applies(w, 'new', 'two');
  await w.change({ kind: 'promote', id: member.id });
  await w.commit('three');
  // The old one, from a backup; and as a new home under its old key.
  await w.start(lost, { directory: backup });
  const { code } = await ended(w, lost);
  assert.equal(code, 'CONSENSUS_REMOVED');
  await w.stop(lost);
  w.replica(lost).fatal = null;
  w.replica(lost).joined = null;
  await w.start(lost, { directory: join(w.directory, 'empty'), joins: true });
  assert.equal((await ended(w, lost)).code, 'CONSENSUS_REMOVED');
  await w.commit('four');
  await applies(w, 'new', 'four');
});

test('a fresh home that is to found, beside founded members with the same list, ends; the cluster goes on', async (t) => {
  const w = await running(t, { insecure: false });
  const leader = await w.leader();
  const name = names.find((each) => each !== leader) ?? '';
  const list = names.map((each) => (each === name ? 'new' : each));
  const id = w.idOf(name);
  await w.newHome('new', name);
  await w.stop(name);
  // Its name goes with another identity: that one joined, and may have voted.
  await w.start('new', { members: list });
  assert.equal((await ended(w, 'new')).code, 'CONSENSUS_DISK_DOUBTED');
  await w.stop('new');
  w.replica('new').fatal = null;
  // Its name is free, and the lists of the others still hold it.
  await w.change({ kind: 'remove', id });
  await w.start('new', { members: list });
  const { code, message } = await ended(w, 'new');
  assert.equal(code, 'CONSENSUS_FOUNDED_WITHOUT');
  assert.match(message, new RegExp(`the cluster was founded without ${name}`));
  assert.equal(w.replica('new').joined, null);
  await w.commit('two');
});

test('a leader that removes itself hands over, is told, and ends', async (t) => {
  const w = await running(t);
  const reasons: string[] = [];
  for (const name of names) w.node(name).on('role', ({ reason }) => reasons.push(reason));
  const { voters } = await w.change((leader) => {
    // What moved before, where a disk stood still, was no hand-over of this kind.
    reasons.length = 0;
    return { kind: 'remove', id: leader };
  });
  assert.equal(voters.length, 2);
  const removed = names.find((each) => voters.every(({ name }) => name !== each)) ?? '';
  assert.equal((await ended(w, removed)).code, 'CONSENSUS_REMOVED');
  await w.leader(removed);
  await w.commit('two');
  assert.ok(reasons.includes('transfer'), reasons.join());
});

test('a follower that is removed is told, and the others go on', async (t) => {
  const w = await running(t);
  const leader = await w.leader();
  const id = names.find((name) => name !== leader) ?? '';
  await w.change({ kind: 'remove', id });
  assert.equal((await ended(w, id)).code, 'CONSENSUS_REMOVED');
  await w.commit('two');
  assert.equal(await w.leader(), leader);
});

test('one member’s word is not enough to join; a majority’s is', async (t) => {
  const w = await running(t);
  const member = await w.newHome('d');
  await w.change({ kind: 'addLearner', member });
  const certain = (name: string) =>
    w.node(name).status()?.commit === w.node(name).status()?.lastIndex;
  await until('all know it as committed', () => (names.every(certain) ? true : undefined));
  await w.stop('b');
  await w.stop('c');
  const told: string[] = [];
  const waits = new Promise<void>((resolve) => {
    void w.start('d', { joins: true, members: all }).then((node) => {
      node.on('joining', (step) => {
        if (step.kind !== 'wait') return;
        told.push(step.why);
        if (step.why === 'tooFew') resolve();
      });
    });
  });
  await waits;
  assert.equal(w.node('d').status(), null);
  await w.start('b');
  await w.commit('two');
  await applies(w, 'd', 'two');
});

test('who is to join with a list that is old by then meets those whom it is told of', async (t) => {
  const w = await running(t);
  const member = await w.newHome('d');
  await w.start('d', { joins: true, members: ['a', 'd'] });
  await w.change({ kind: 'addLearner', member });
  await applies(w, 'd', 'one');
});

test('a voter that was promoted and lost everything is no newcomer, to anyone', async (t) => {
  const w = await running(t);
  const member = await w.newHome('d');
  await w.start('d', { joins: true, members: all });
  await w.change({ kind: 'addLearner', member });
  await applies(w, 'd', 'one');
  await w.change({ kind: 'promote', id: 'd' });
  await w.commit('two');
  await w.stop('d');
  rmSync(w.replica('d').directory, { recursive: true });
  w.replica('d').joined = null;
  await w.start('d', { joins: true, members: all });
  const { code, message } = await ended(w, 'd');
  assert.equal(code, 'CONSENSUS_DISK_DOUBTED');
  assert.match(message, /its log is empty now/);
  await w.commit('three');
});

test('after changes all restart with the lists that they had, and meet by the log', async (t) => {
  const w = await running(t);
  const member = await w.newHome('d');
  await w.start('d', { joins: true, members: all });
  await w.change({ kind: 'addLearner', member });
  await applies(w, 'd', 'one');
  await w.change({ kind: 'promote', id: 'd' });
  await w.commit('two');
  await applies(w, 'd', 'two');
  for (const name of all) await w.stop(name);
  // Without c, all three others are needed, and no list but d's own names d.
  for (const name of ['a', 'b']) await w.start(name);
  await w.start('d', { joins: true, members: all });
  await w.commit('three');
  await applies(w, 'd', 'three');
});

test('who was away while members changed hears a leader that it never heard of', async (t) => {
  const w = await running(t);
  const away = 'b';
  await w.stop(away);
  const member = await w.newHome('d');
  await w.start('d', { joins: true, members: all });
  await w.change({ kind: 'addLearner', member });
  await applies(w, 'd', 'one');
  await w.change({ kind: 'promote', id: 'd' });
  const leader = await w.leader();
  const gone = leader === 'a' ? 'c' : 'a';
  const stays = gone === 'a' ? 'c' : 'a';
  await w.change({ kind: 'remove', id: gone });
  await ended(w, gone);
  if ((await w.leader(gone)) !== 'd') await w.node(stays).transferLeadership('d');
  await until('d leads', () => (w.node('d').mayServe() ? true : undefined));
  // Its list names a, b and c; the log that it has, too.
  await w.start(away);
  await w.commit('two');
  await applies(w, away, 'two');
  await w.stop(stays);
  await w.commit('three');
  assert.equal(shown(w.node(away).membership), shown(w.node('d').membership));
});
