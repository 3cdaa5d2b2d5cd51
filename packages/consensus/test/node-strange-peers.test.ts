/** What a peer may say to a node: sound words of a member of this cluster, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../src/index.js';
import { accepted, append, command } from './core-bench.js';
import { until } from './node-world.js';
import { clusterId, Scene } from './puppet-peers.js';

const beat = (term: number): Message => append(term, [0, 0], []);

test('an append with a hole is dropped and named, and the node follows on', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.run();
  scene.b.say(append(1, [0, 0], [command(2, 1)]));
  scene.b.say(append(1, [0, 0], [command(1, 1)], 1, 7));
  const reply = await until('it acknowledged the sound one', () =>
    scene.b.messages().find((message) => message.kind === 'appendReply'),
  );
  assert.deepEqual(reply, accepted(1, 1, 7));
  assert.deepEqual(scene.dropped, ['b append: entries with a hole']);
  await scene.takenIn(node, scene.b);
  assert.deepEqual([scene.fatal, scene.machine.entries], [[], ['1.1']]);
});

test('an acknowledgement of what was never sent does not end a leader', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.leading(scene.b);
  const term = node.status()?.term ?? 0;
  scene.c.say(accepted(term, 1000));
  await scene.takenIn(node, scene.c);
  assert.deepEqual(scene.dropped, ['c appendReply: it acknowledges more than it was sent']);
  await node.propose(Buffer.from('one'), 30_000);
  assert.deepEqual(scene.fatal, []);
});

test('who is listed and linked, but no member of the log, is not heard', async (t) => {
  const scene = await Scene.set(t);
  const address = scene.c.address;
  const listed = ['a', 'b'].map((name) => ({
    ...{ id: null, name, witness: false },
    address: name === 'a' ? '127.0.0.1:1' : scene.b.address,
  }));
  scene.b.hello = { ...scene.b.hello, membersDigest: 'a,b' };
  const first = scene.make({ members: listed });
  await first.start();
  await until('the two have founded', () => first.status() ?? undefined);
  await scene.ended(first);
  const members = [...listed, { id: null, name: 'c', address, witness: false }];
  const node = scene.make({ members });
  await node.start();
  await scene.linked(node);
  scene.c.say(beat(50));
  await scene.takenIn(node, scene.c);
  assert.ok((node.status()?.term ?? 50) < 50);
  assert.deepEqual(scene.dropped, ['c append: it is not a member']);
  assert.equal(node.leader, null);
});

test('who has not joined is not heard; once it says that it has, it is', async (t) => {
  const scene = await Scene.set(t, { joined: false });
  const node = await scene.run();
  scene.b.say(beat(5));
  await scene.takenIn(node, scene.b);
  assert.deepEqual(scene.dropped, ['b append: it has not joined this cluster']);
  assert.equal(node.status()?.term, 0);
  scene.b.sayHello({ joined: true, emptyLog: false });
  scene.b.say(beat(5));
  await until('it follows', () => (node.leader === 'b' ? true : undefined));
});

test('who founded another cluster on a link that began without one is not heard', async (t) => {
  const scene = await Scene.set(t, { joined: false });
  scene.b.hello = { ...scene.b.hello, clusterId: '' };
  const node = await scene.run();
  scene.b.sayHello({ clusterId: 'elsewhere', joined: true, emptyLog: false });
  scene.b.say(beat(5));
  await scene.takenIn(node, scene.b);
  assert.deepEqual(scene.dropped, ['b append: it has not joined this cluster']);
  assert.equal(node.status()?.term, 0);
});

test('an acknowledgement counts once its sender’s joining is on the disk, not before', async (t) => {
  const scene = await Scene.set(t, { joined: false });
  scene.b.hello = { ...scene.b.hello, joined: true, emptyLog: false };
  const node = await scene.leading(scene.b);
  // It goes on answering, so that `a` leads on, but never has the next entry.
  scene.b.limit = node.status()?.lastIndex ?? 0;
  scene.log.shut();
  const sent = node.propose(Buffer.from('one'), 30_000);
  await until('its own write is under way', () => scene.log.isWriting || undefined);
  // Joins while that write is under way: what is known of it goes into the next one.
  scene.c.sayHello({ joined: true, emptyLog: false });
  await scene.takenIn(node, scene.c);
  scene.log.passOne();
  await until('the next write is under way', () => scene.log.isWriting || undefined);
  const { term = 0, lastIndex = 0, commit } = node.status() ?? {};
  scene.c.say(accepted(term, lastIndex));
  await scene.takenIn(node, scene.c);
  assert.equal(node.status()?.commit, commit, 'it was counted before its joining was on the disk');
  assert.ok(!scene.log.written.some(({ marks }) => marks?.some((m) => m.peer === 'c' && m.joined)));
  scene.log.openUp();
  await sent;
  assert.ok(scene.log.written.some(({ marks }) => marks?.some((m) => m.peer === 'c' && m.joined)));
});

test('what waits for a joining goes with the link', async (t) => {
  const scene = await Scene.set(t, { joined: false });
  scene.b.hello = { ...scene.b.hello, joined: true, emptyLog: false };
  const node = await scene.leading(scene.b);
  scene.b.limit = node.status()?.lastIndex ?? 0;
  scene.log.shut();
  const sent = node.propose(Buffer.from('one'), 1_000);
  const refused = assert.rejects(sent, { code: 'CONSENSUS_OUTCOME_UNKNOWN' });
  await until('its own write is under way', () => scene.log.isWriting || undefined);
  const { term = 0, lastIndex = 0, commit } = node.status() ?? {};
  scene.c.sayHello({ joined: true, emptyLog: false });
  scene.c.say(accepted(term, lastIndex));
  await scene.takenIn(node, scene.c);
  await scene.c.stop();
  await until('the link is down', () => (node.isUp('c') ? undefined : true));
  scene.log.openUp();
  await refused;
  assert.equal(node.status()?.commit, commit);
});

test('a late hello of the same run does not end an honest member, nor does the next start', async (t) => {
  const scene = await Scene.set(t);
  const node = await scene.run();
  scene.b.say(beat(9));
  await until('it follows', () => (node.leader === 'b' ? true : undefined));
  // Said before that beat, on a connection that took longer: another link with an older hello.
  await scene.b.restart({ term: 0 });
  await until('it is linked again', () => (scene.b.ups === 2 ? true : undefined));
  await scene.b.restart({ boot: 2, runId: 'run-b2', term: 9 });
  await until('its next run is linked', () => (scene.b.ups === 3 ? true : undefined));
});

test('what a peer acknowledged is remembered as far as it is committed, and no further', async (t) => {
  const scene = await Scene.set(t);
  // It answers, so that `a` leads on while the other one restarts, but has nothing.
  scene.c.limit = 0;
  scene.c.votes = true;
  const node = await scene.leading(scene.b);
  scene.log.shut();
  const sent = node.propose(Buffer.from('one'), 30_000);
  const { term = 0, lastIndex = 0, commit = 0 } = node.status() ?? {};
  const matchOf = (id: string) => node.status()?.peers.find((peer) => peer.id === id)?.match;
  await until('it has acknowledged', () => matchOf('b') === lastIndex || undefined);
  // Our own disk does not have it yet, and the third has nothing: no quorum.
  assert.deepEqual([lastIndex, node.status()?.commit], [commit + 1, commit]);
  // Another leader may take it back from its disk: then it shows less, and is right.
  scene.b.limit = commit;
  await scene.b.restart({ boot: 2, runId: 'run-b2', term, lastIndex: commit });
  await until('it is linked again', () => (scene.b.ups === 2 ? true : undefined));
  scene.b.limit = lastIndex;
  scene.log.openUp();
  await sent;
  // Nothing is remembered of the third but what it has said itself.
  assert.equal(matchOf('c'), 0);
  await scene.c.restart({ boot: 2, runId: 'run-c2', term, lastIndex: 0 });
  await until('the third is linked again', () => (scene.c.ups === 2 ? true : undefined));
});

test('a later run that shows less is told so', async (t) => {
  const scene = await Scene.set(t);
  const faults: string[] = [];
  const node = await scene.run();
  node.on('dialFailed', (_peer, { refusal }) => faults.push(refusal?.code ?? ''));
  scene.b.say(beat(9));
  await until('it follows', () => (node.leader === 'b' ? true : undefined));
  await scene.b.restart({ boot: 2, runId: 'run-b2', term: 8 });
  await until('it is refused', () => (faults.includes('rolledBack') ? true : undefined));
  assert.equal(scene.b.ups, 1);
  assert.equal(node.clusterId, clusterId);
});
