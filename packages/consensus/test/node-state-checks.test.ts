/** Replicas that apply one log differently: who of them notices, and who goes on. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { StateCheck } from '../src/index.js';
import { Journal, NodeWorld, type StartOptions, until } from './node-world.js';

const names = ['a', 'b', 'c'];
const every = 10;

/** What a replica that reads a clock, a configuration or the order of a map does: its own thing. */
class Wayward extends Journal {
  override apply(command: Uint8Array): number {
    return super.apply(Buffer.from(`${Buffer.from(command).toString()} at noon`));
  }
}

async function running(
  t: TestContext,
  how: (name: string) => StartOptions = () => ({}),
): Promise<NodeWorld> {
  const options = { names, insecure: true, stateHashEntries: every, snapshotEntries: 25 };
  const w = await NodeWorld.create(options);
  t.after(() => w.dispose());
  await Promise.all(names.map((name) => w.start(name, how(name))));
  return w;
}

const checksOf = (w: NodeWorld, name: string): StateCheck[] => {
  const seen: StateCheck[] = [];
  w.node(name).on('stateChecked', (check) => seen.push(check));
  return seen;
};

const checked = (seen: readonly StateCheck[], result: StateCheck['result'], count: number) =>
  until(`${count} are ${result}`, () =>
    seen.filter((check) => check.result === result).length >= count ? true : undefined,
  );

test('sound replicas compare at the same entries, and are equal', async (t) => {
  const w = await running(t);
  const seen = names.map((name) => checksOf(w, name));
  for (let i = 0; i < 4 * every; i += 1) await w.commit(`e${i}`);
  for (const each of seen) await checked(each, 'equal', 3);
  for (const each of seen) {
    assert.ok(each.every(({ result, at }) => result === 'equal' && at % every === 0));
  }
  assert.ok(names.every((name) => w.replica(name).fatal === null));
  await until('a check is no command', () =>
    names.every((name) => w.replica(name).machine.entries.length === 4 * every) ? true : undefined,
  );
});

test('a follower that differs ends, naming the entry and both hashes; the others go on', async (t) => {
  const w = await running(t);
  const leader = await w.leader();
  const odd = names.find((name) => name !== leader) ?? '';
  await w.stop(odd);
  await w.start(odd, { machine: new Wayward() });
  const seen = checksOf(w, odd);
  const sound = names.filter((name) => name !== odd);
  for (let i = 0; i < 2 * every; i += 1) await w.commit(`e${i}`);
  const error = await w.ended(odd);
  assert.ok('code' in error && error.code === 'CONSENSUS_STATE_DIFFERS', String(error));
  const last = seen.at(-1);
  assert.equal(last?.result, 'differs', 'it was told before the end');
  assert.ok('facts' in error);
  assert.deepEqual(error.facts, { index: last.at, own: last.own, leaders: last.leaders });
  await w.stop(odd);
  await w.commit('the others go on');
  assert.ok(sound.every((name) => w.replica(name).fatal === null));
});

test('it ends again where it applies the same log in the same way again', async (t) => {
  const w = await running(t);
  const leader = await w.leader();
  const odd = names.find((name) => name !== leader) ?? '';
  await w.stop(odd);
  await w.start(odd, { machine: new Wayward() });
  for (let i = 0; i < 2 * every; i += 1) await w.commit(`e${i}`);
  await w.ended(odd);
  await w.stop(odd);
  w.replica(odd).fatal = null;
  await w.start(odd, { machine: new Wayward() });
  await w.ended(odd);
});

test('a leader that differs is left alone: both others end, and nothing is committed', async (t) => {
  const w = await running(t);
  const odd = await w.leader();
  const others = names.filter((name) => name !== odd);
  const { machine } = w.replica(odd);
  const apply = machine.apply.bind(machine);
  machine.apply = (command) => apply(Buffer.from(`${Buffer.from(command).toString()} at noon`));
  const sent = Array.from({ length: every }, (_, i) =>
    w.node(odd).propose(Buffer.from(`e${i}`), 60_000),
  );
  await Promise.allSettled(sent);
  for (const name of others) {
    const error = await w.ended(name);
    assert.ok('code' in error && error.code === 'CONSENSUS_STATE_DIFFERS', String(error));
  }
  await assert.rejects(w.node(odd).propose(Buffer.from('more'), 1000));
  assert.equal(w.replica(odd).fatal, null);
});

test('who came by a snapshot has nothing to compare, until the next entry that all hash', async (t) => {
  const w = await running(t);
  const leader = await w.leader();
  const away = names.find((name) => name !== leader) ?? '';
  await w.stop(away);
  for (let i = 0; i < 60; i += 1) await w.commit(`e${i}`);
  await w.start(away);
  const seen = checksOf(w, away);
  for (let i = 0; i < 2 * every; i += 1) await w.commit(`f${i}`);
  await checked(seen, 'equal', 1);
  assert.equal(w.replica(away).fatal, null);
});
