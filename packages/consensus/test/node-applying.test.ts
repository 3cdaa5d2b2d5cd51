/** What was committed at one blow is applied in parts, and the replica speaks and listens in between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../src/index.js';
import { Journal, until } from './node-world.js';
import { Scene } from './puppet-peers.js';

const texts = (from: number, through: number): string[] =>
  Array.from({ length: through - from + 1 }, (_, i) => `entry ${from + i}`);

const append = (from: number, through: number, commit: number): Message => ({
  ...{ kind: 'append', term: 1, prevIndex: from - 1, prevTerm: from === 1 ? 0 : 1, commit },
  entries: texts(from, through).map((text, i) => ({
    ...{ kind: 'command', term: 1, index: from + i, command: Buffer.from(text) },
  })),
  round: through,
});

const heartbeat = (prevIndex: number, commit: number): Message => ({
  ...{ kind: 'append', term: 1, prevIndex, prevTerm: 1, entries: [], commit, round: 1e6 },
});

/** As long for each as a cold machine needs for many. */
class Slow extends Journal {
  override apply(...how: Parameters<Journal['apply']>): number {
    for (const until = performance.now() + 3; performance.now() < until; );
    return super.apply(...how);
  }
}

test('a new leader with much to apply lets its followers hear of it meanwhile, and leads on', async (t) => {
  const scene = await Scene.set(t);
  const backlog = 300;
  const first = await scene.run();
  scene.b.say(append(1, backlog, 0));
  await until('it holds them', () => first.status()?.lastIndex === backlog || undefined);
  await scene.ended(first);

  const machine = new Slow();
  scene.b.votes = true;
  const node = await scene.run({ stateMachine: machine, applyEntries: 8 });
  await until('it applies', () => machine.entries.length > 0 || undefined);
  const { term } = node;
  assert.ok(machine.entries.length < backlog, 'at one blow');
  assert.equal(node.mayServe(), false, 'its barrier is committed, and not applied');
  const asked = node.propose(Buffer.from('asked meanwhile'), 60_000);
  const before = scene.b.messages().length;
  await until('it serves', () => node.mayServe() || undefined);
  // 900 ms of work, and a heartbeat each 25 ms: on a busy machine fewer.
  const heard = scene.b.messages().slice(before);
  assert.ok(heard.filter(({ kind }) => kind === 'append').length >= 5, `${heard.length} heard`);
  assert.equal(node.term, term, 'it was not elected twice');
  assert.equal((await asked).answer, backlog + 1);
  assert.deepEqual(machine.entries, [...texts(1, backlog), 'asked meanwhile']);
});

test('a snapshot that comes while there is much to apply is gone on from', async (t) => {
  const scene = await Scene.set(t);
  const [sent, snapshotted] = [1000, 1200];
  let appliedBefore = 0;
  class Counting extends Journal {
    override apply(...how: Parameters<Journal['apply']>): number {
      const count = super.apply(...how);
      if (count === 5) {
        const state = Buffer.from(JSON.stringify(texts(1, snapshotted)));
        assert.ok(membership !== null);
        const snapshot = { index: snapshotted, term: 1, membership, state };
        scene.b.say({ kind: 'installSnapshot', term: 1, snapshot, round: 2 });
      }
      return count;
    }
    override restore(state: Uint8Array): void {
      appliedBefore = this.entries.length;
      super.restore(state);
    }
  }
  const machine = new Counting();
  const node = await scene.run({ stateMachine: machine, applyEntries: 1 });
  const { membership } = node;
  scene.b.say(append(1, sent, sent));
  await until('it came', () => machine.restored.includes(snapshotted) || undefined);
  assert.ok(appliedBefore >= 5 && appliedBefore < sent, `${appliedBefore} were applied before`);
  scene.b.say(append(snapshotted + 1, snapshotted + 3, snapshotted + 2));
  const { length } = texts(1, snapshotted + 2);
  await until('they are applied', () => machine.entries.length >= length || undefined);
  assert.deepEqual(machine.entries, texts(1, snapshotted + 2));
  assert.deepEqual(scene.fatal, []);
});

test('what waits to be applied when a replica stops is not applied', async (t) => {
  const scene = await Scene.set(t);
  const machine = new Journal();
  const node = await scene.run({ stateMachine: machine, applyEntries: 1 });
  scene.b.say(append(1, 1000, 0));
  await until('it holds them', () => node.status()?.lastIndex === 1000 || undefined);
  scene.b.say(heartbeat(1000, 1000));
  await until('it applies', () => machine.entries.length > 0 || undefined);
  const stopped = node.stop();
  const { length } = machine.entries;
  await stopped;
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(machine.entries.length, length);
  assert.ok(length < 1000);
});
