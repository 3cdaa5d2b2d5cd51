/** A cluster is founded once, by all, in any order, and a crash in the middle is finished later. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { LogStorage } from '../src/index.js';
import { NodeWorld, until, type WorldOptions } from './node-world.js';

const names = ['a', 'b', 'c'];
const orders = ['abc', 'acb', 'bac', 'bca', 'cab', 'cba'];

async function world(t: TestContext, options: Partial<WorldOptions> = {}): Promise<NodeWorld> {
  const made = await NodeWorld.create({ names, insecure: true, ...options });
  t.after(() => made.dispose());
  return made;
}

for (const order of orders) {
  test(`started as ${order}, nobody founds before the last is there, and all found one`, async (t) => {
    const w = await world(t);
    const [first = '', second = '', last = ''] = order;
    await w.start(first);
    await w.start(second);
    const pair = [w.node(first), w.node(second)];
    await until('the two are linked', () =>
      pair.every((node, i) => node.helloOf(pair[1 - i]?.id ?? '')) ? true : undefined,
    );
    // However far a founding had come, a start would find it on the disk.
    for (const name of [first, second]) await w.stop(name);
    for (const name of [first, second]) {
      assert.equal((await w.start(name)).clusterId, '', 'founded without the last');
    }
    await w.start(last);
    await w.commit('one');
    await until('all have joined', () =>
      names.every((name) => w.replica(name).joined !== null) ? true : undefined,
    );
    assert.equal(new Set(names.map((name) => w.node(name).clusterId)).size, 1);
  });
}

test('nothing of a later term is written before the record beside the key', async (t) => {
  const w = await world(t);
  const early: string[] = [];
  for (const name of names) {
    let recorded = false;
    const storage = (disk: LogStorage): LogStorage => ({
      open: () => disk.open(),
      append: (batches) => {
        const promises = batches.some(({ hard }) => hard !== undefined && hard.term > 0);
        if (promises && !recorded) early.push(name);
        return disk.append(batches);
      },
      stats: () => disk.stats(),
      close: () => disk.close(),
    });
    const recordJoined = async () => {
      // The others found without c, and one of them leads: c was asked for its vote before that.
      if (name === 'c') await w.leader();
      recorded = true;
    };
    await w.start(name, { storage, recordJoined });
  }
  await w.commit('one');
  await until('c has applied it', () => w.replica('c').machine.entries[0]);
  assert.deepEqual(early, []);
});

test('a crash between the genesis and the record is finished by the next start', async (t) => {
  const w = await world(t);
  await w.start('a');
  await w.start('b');
  const crash = () => Promise.reject(new Error('the power fails'));
  await w.start('c', { recordJoined: crash });
  await until('c has crashed', () => w.replica('c').fatal ?? undefined);
  assert.equal(w.replica('c').joined, null);
  await w.stop('c');
  await w.commit('one');
  await w.start('c');
  assert.notEqual(w.replica('c').joined, null);
  await until('c has applied it', () => w.replica('c').machine.entries[0]);
});

test('a crash before the genesis is on disk: the others tell it again', async (t) => {
  const w = await world(t);
  await w.start('a');
  await w.start('b');
  const storage = (disk: LogStorage): LogStorage => ({
    open: () => disk.open(),
    append: () => Promise.reject(new Error('the power fails')),
    stats: () => disk.stats(),
    close: () => disk.close(),
  });
  await w.start('c', { storage });
  await until('c has crashed', () => w.replica('c').fatal ?? undefined);
  await w.stop('c');
  await w.start('c');
  await w.commit('one');
  await until('c has applied it', () => w.replica('c').machine.entries[0]);
  assert.equal(w.node('c').clusterId, w.node('a').clusterId);
});

test('an empty log beside a record that it joined is refused before anybody is asked', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  await until('c joined', () => w.replica('c').joined ?? undefined);
  await w.stop('c');
  rmSync(w.replica('c').directory, { recursive: true });
  await assert.rejects(w.start('c'), { code: 'CONSENSUS_LOG_MISSING' });
});

test('without certificates too: a replica that lost its home does not get back in as new', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  await until('c joined', () => w.replica('c').joined ?? undefined);
  await until('c is known as joined', () =>
    ['a', 'b'].every((name) => w.node(name).helloOf('c')?.joined) ? true : undefined,
  );
  await w.stop('c');
  // A commit carries what the others know of c to their disks.
  await w.commit('two');
  rmSync(w.replica('c').directory, { recursive: true });
  w.replica('c').joined = null;
  await w.start('c');
  const { message } = await until('c is refused', () => w.replica('c').fatal ?? undefined);
  assert.match(message, /its log is empty now/);
});

test('a log of another replica, or of another cluster, is refused', async (t) => {
  const w = await world(t);
  await Promise.all(names.map((name) => w.start(name)));
  await w.commit('one');
  await until('all have joined', () =>
    names.every((name) => w.replica(name).joined !== null) ? true : undefined,
  );
  const { directory } = w.replica('b');
  await w.stop('b');
  await w.stop('c');
  await assert.rejects(w.start('c', { directory }), { code: 'CONSENSUS_LOG_FOREIGN' });
  await assert.rejects(w.start('b', { clusterId: 'elsewhere' }), {
    code: 'CONSENSUS_CLUSTER_DIFFERS',
  });
});

test('one alone founds, leads, and is there again after a restart', async (t) => {
  const w = await world(t, { names: ['a'] });
  await w.start('a');
  await w.commit('one');
  await w.stop('a');
  await w.start('a');
  const { answer } = await w.node(await w.leader()).propose(Buffer.from('two'), 30_000);
  assert.equal(answer, 2);
});
