/** A replica whose disk or state machine fails says nothing more, and the others go on. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ConsensusError, type LogStorage } from '../src/index.js';
import { Journal, NodeWorld, until } from './node-world.js';

const names = ['a', 'b', 'c'];

async function world(t: TestContext): Promise<NodeWorld> {
  const w = await NodeWorld.create({ names, insecure: true });
  t.after(() => w.dispose());
  return w;
}

/** A disk that fails from `fail()` on, after it has written, as a lost sync does. */
class FailingDisk implements LogStorage {
  failing = false;
  constructor(readonly disk: LogStorage) {}
  open() {
    return this.disk.open();
  }
  async append(batches: Parameters<LogStorage['append']>[0]) {
    await this.disk.append(batches);
    if (this.failing)
      throw new ConsensusError('CONSENSUS_LOG_FAILED', { path: 'x', detail: 'EIO' });
  }
  stats() {
    return this.disk.stats();
  }
  close() {
    return this.disk.close();
  }
}

test('a failed sync is fatal: proposals are unknown, nothing more is said, the others go on', async (t) => {
  const w = await world(t);
  const disks = new Map<string, FailingDisk>();
  for (const name of names) {
    const storage = (disk: LogStorage) => {
      const failing = new FailingDisk(disk);
      disks.set(name, failing);
      return failing;
    };
    await w.start(name, { storage });
  }
  await w.commit('one');
  const name = await w.leader();
  const disk = disks.get(name);
  assert.ok(disk);
  disk.failing = true;
  const pending = w.node(name).propose(Buffer.from('two'), 30_000);
  // Either its own disk failed first, or the others were quicker and it was applied.
  await pending.then(
    ({ answer }) => assert.equal(answer, 2),
    (error) => assert.equal(error.code, 'CONSENSUS_OUTCOME_UNKNOWN'),
  );
  const fatal = await until('fatal', () => w.replica(name).fatal ?? undefined);
  assert.ok(fatal instanceof ConsensusError && fatal.code === 'CONSENSUS_LOG_FAILED');
  assert.equal(w.node(name).mayServe(), false);
  assert.equal(
    w.node(name).sendApplication(names.find((n) => n !== name) ?? '', Buffer.from('x')),
    false,
  );
  await assert.rejects(w.node(name).propose(Buffer.from('three'), 1000), {
    code: 'CONSENSUS_NOT_LEADER',
  });
  const next = await w.leader(name);
  await w.node(next).propose(Buffer.from('four'), 30_000);
});

test('a state machine that throws stops the replica: an entry may not be skipped', async (t) => {
  const w = await world(t);
  class Fragile extends Journal {
    override apply(command: Uint8Array): number {
      if (Buffer.from(command).toString() === 'poison') throw new Error('cannot apply this');
      return super.apply(command);
    }
  }
  await w.start('a');
  await w.start('b');
  await w.start('c', { machine: new Fragile() });
  await w.commit('one');
  await w
    .node(await w.leader())
    .propose(Buffer.from('poison'), 3000)
    .catch((error: unknown) => error);
  const fatal = await until('fatal', () => w.replica('c').fatal ?? undefined);
  assert.match(fatal.message, /cannot apply this/);
  await until('the others have it', () =>
    ['a', 'b'].every((name) => w.replica(name).machine.entries.includes('poison'))
      ? true
      : undefined,
  );
});
