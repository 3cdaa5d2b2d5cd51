/** Nothing is said before it is on disk: the start, the record, the term, the hello. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkTransport, type Message } from '../src/index.js';
import { until } from './node-world.js';
import { clusterId, Scene } from './puppet-peers.js';

const vote = (term: number): Message => ({
  ...{ kind: 'vote', term, lastIndex: 0, lastTerm: 0, transfer: true },
});

test('a start is numbered on disk before anybody is greeted', async (t) => {
  const scene = await Scene.set(t);
  const first = await scene.run();
  const greeted = scene.b.hellos.length;
  assert.equal(scene.b.hellos.at(-1)?.boot, 1);
  await scene.ended(first);
  scene.log.shut();
  const node = scene.make();
  const started = node.start();
  await until('the number is being written', () => scene.log.isWriting || undefined);
  // Whoever it was going to greet can reach it: nothing waits but the disk.
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(scene.b.hellos.length, greeted, 'greeted before its number was on disk');
  scene.log.openUp();
  await started;
  const hello = await until('greeted', () => scene.b.hellos[greeted]);
  assert.equal(hello.boot, 2);
  assert.equal(scene.log.written[0]?.boot?.boot, 2);
  assert.equal(scene.log.written[0]?.boot?.runId, hello.runId);
});

test('a start whose number cannot be written fails, and is not even listening', async (t) => {
  const scene = await Scene.set(t);
  await scene.ended(await scene.run());
  scene.log.failWith(new Error('EIO'));
  let listened = false;
  class Watched extends LinkTransport {
    override start(...how: Parameters<LinkTransport['start']>): Promise<void> {
      listened = true;
      return super.start(...how);
    }
  }
  const security = { kind: 'insecure' } as const;
  const node = scene.make({
    transport: new Watched({ self: 'a', listen: '127.0.0.1:0', security }),
  });
  await assert.rejects(node.start(), /EIO/);
  assert.equal(scene.fatal.length, 1);
  assert.equal(listened, false);
  await node.stop();
});

test('the record is written before the first vote, and what is heard meanwhile binds nobody', async (t) => {
  const scene = await Scene.set(t);
  let record = (): void => undefined;
  let recording = false;
  const recordJoined = () => {
    recording = true;
    return new Promise<void>((resolve) => {
      record = resolve;
    });
  };
  const node = scene.make({ recordJoined });
  await node.start();
  await until('the record is being written', () => recording || undefined);
  assert.ok(scene.log.written.some(({ genesis }) => genesis?.clusterId === clusterId));
  await scene.linked(node);
  scene.b.say(vote(3));
  await scene.takenIn(node, scene.b);
  record();
  await until('it has joined', () => node.status() ?? undefined);
  scene.b.say(vote(4));
  await until('it votes', () => scene.b.messages().find(({ kind }) => kind === 'voteReply'));
  const said = scene.b.heard.map((frame) =>
    frame.kind === 'hello' ? `hello ${frame.hello.joined ? 'joined' : ''}` : frame.kind,
  );
  const [first, second] = [said.indexOf('hello joined'), said.indexOf('raft')];
  assert.ok(first >= 0 && first < second, said.join());
  const terms = scene.b.messages().map(({ term }) => term);
  assert.ok(!terms.includes(3), terms.join());
});

test('a vote leaves after it is on disk; a hello shows only what is', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.run();
  scene.log.shut();
  scene.b.say(vote(5));
  await until('the vote is being written', () => scene.log.isWriting || undefined);
  assert.equal(node.status()?.term, 5);
  const greeted = scene.c.hellos.length;
  await scene.c.restart({ boot: 2, runId: 'run-c2' });
  const early = await until('greeted', () => scene.c.hellos[greeted]);
  assert.equal(early.term, 0, 'a peer would remember a term that a crash takes back');
  await scene.takenIn(node, scene.b);
  assert.deepEqual(
    scene.b.messages().filter(({ kind }) => kind === 'voteReply'),
    [],
  );
  scene.log.openUp();
  const reply = await until('it votes', () =>
    scene.b.messages().find(({ kind }) => kind === 'voteReply'),
  );
  assert.deepEqual(reply, { kind: 'voteReply', term: 5, granted: true });
  await scene.c.restart({ boot: 3, runId: 'run-c3' });
  const late = await until('greeted again', () => scene.c.hellos[greeted + 1]);
  assert.equal(late.term, 5);
});

test('a hello shows no entry that is still being written', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.leading(scene.b);
  const { durableIndex = 0, lastIndex } = node.status() ?? {};
  assert.equal(durableIndex, lastIndex);
  scene.log.shut();
  const sent = node.propose(Buffer.from('one'), 30_000);
  await until('it is being written', () => scene.log.isWriting || undefined);
  const greeted = scene.c.hellos.length;
  await scene.c.restart({ boot: 2, runId: 'run-c2' });
  assert.equal((await until('greeted', () => scene.c.hellos[greeted])).lastIndex, durableIndex);
  scene.log.openUp();
  await sent;
  await scene.c.restart({ boot: 3, runId: 'run-c3' });
  const late = await until('greeted again', () => scene.c.hellos[greeted + 1]);
  assert.equal(late.lastIndex, durableIndex + 1);
});

test('after a failed write nothing leaves, the links end, and it is told once', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.leading(scene.b);
  scene.log.shut();
  const pending = node.propose(Buffer.from('one'), 30_000);
  const unknown = assert.rejects(pending, { code: 'CONSENSUS_OUTCOME_UNKNOWN' });
  // It commits without us: both others have it.
  scene.b.votes = false;
  await until('its own write is under way', () => scene.log.isWriting || undefined);
  // A higher term: its answer must wait for a write that never succeeds.
  scene.c.say(vote((node.status()?.term ?? 0) + 5));
  await scene.takenIn(node, scene.c);
  scene.log.failWith(new Error('EIO'));
  scene.log.openUp();
  await unknown;
  await until('the links end', () => (scene.b.downs > 0 && scene.c.downs > 0 ? true : undefined));
  assert.deepEqual(
    scene.fatal.map(({ message }) => message),
    ['EIO'],
  );
  assert.deepEqual(
    scene.c.messages().filter(({ kind }) => kind === 'voteReply'),
    [],
  );
  await node.stop();
  assert.equal(scene.fatal.length, 1);
});

test('who says that it has joined is told who is a member once more: before that it did not listen', async (t) => {
  const scene = await Scene.set(t, { joined: false });
  await scene.run();
  const told = (): number => scene.b.heard.filter(({ kind }) => kind === 'found').length;
  await until('it is told the genesis', () => told() > 0 || undefined);
  const before = told();
  scene.b.sayHello({ joined: true, emptyLog: false });
  await until('it is told again', () => told() > before || undefined);
});
