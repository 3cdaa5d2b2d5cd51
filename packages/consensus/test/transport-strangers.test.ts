/** Whoever is not a member gets no link, whatever they send; the process lives and says what it saw. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { issueReplicaCertificate } from '../src/authority.js';
import { sampleHello, TransportDiary } from '../src/conformance/transport.js';
import { framed } from '../src/transport/framing.js';
import { LinkTransport } from '../src/transport/link-transport.js';
import type { LinkSecurity } from '../src/transport/security.js';
import type { Hello, LinkFault } from '../src/transport.js';
import { encodeFrame, type WireFrame } from '../src/wire-codec.js';
import { type Certified, certify, clusterId, quickLimits, tlsOf } from './link-place.js';

interface Listening {
  readonly transport: LinkTransport;
  readonly diary: TransportDiary;
  readonly port: number;
}

async function listen(
  t: TestContext,
  security: LinkSecurity,
  self: string,
  hello: Hello = sampleHello(self, 'a', 'run-a'),
): Promise<Listening> {
  const limits = { ...quickLimits, greetingTimeoutMs: 300, dialTimeoutMs: 300 };
  const transport = new LinkTransport({ self, listen: '127.0.0.1:0', security, limits });
  const diary = new TransportDiary();
  await transport.start(diary, () => hello);
  t.after(() => transport.stop());
  return { transport, diary, port: Number(transport.address.split(':').at(-1)) };
}

async function fault(diary: TransportDiary, kind: LinkFault['kind']): Promise<LinkFault> {
  const find = () => diary.faults().find((one) => one.kind === kind);
  await diary.until(() => find() !== undefined);
  const found = find();
  assert.ok(found);
  assert.deepEqual(diary.all('up'), [], 'no stranger gets a link');
  return found;
}

const identity = ({ issued }: Certified, name: string): string =>
  issued.get(name)?.identity ?? assert.fail(`no certificate for ${name}`);

function dialTls(t: TestContext, port: number, as: LinkSecurity | null): Socket {
  const own =
    as?.kind === 'tls'
      ? { cert: as.certificatePem, key: as.privateKeyPem, ca: as.authorityPem }
      : {};
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...own });
  // What is said to strangers differs by timing: an alert, a reset or an end.
  socket.on('error', () => socket.destroy());
  t.after(() => socket.destroy());
  return socket;
}

function say(socket: Socket, cluster: string, frame: WireFrame): void {
  const payload = encodeFrame(cluster, frame);
  socket.write(framed(payload));
}

test('TLS: no certificate, or one of another authority, is a TLS fault', async (t) => {
  const ours = await certify(['a', 'b']);
  const theirs = await certify(['b']);
  const { diary, port } = await listen(t, tlsOf(ours, 'a'), identity(ours, 'a'));
  dialTls(t, port, null);
  await fault(diary, 'tls');
  const other = await listen(t, tlsOf(ours, 'a'), identity(ours, 'a'));
  dialTls(t, other.port, tlsOf(theirs, 'b'));
  await fault(other.diary, 'tls');
});

test('TLS: plain text, a port scan and silence end the connection, and a member still gets in', async (t) => {
  const ours = await certify(['a', 'b']);
  const a = await listen(t, tlsOf(ours, 'a'), identity(ours, 'a'));
  const scanner = connectPlain({ port: a.port, host: '127.0.0.1' });
  scanner.on('error', () => scanner.destroy());
  scanner.write('GET / HTTP/1.1\r\n\r\n');
  await once(scanner, 'close');
  const silent = connectPlain({ port: a.port, host: '127.0.0.1' });
  await once(silent, 'close');
  await fault(a.diary, 'tls');
  const hello = sampleHello(identity(ours, 'b'), 'b', 'run-b');
  const b = await listen(t, tlsOf(ours, 'b'), identity(ours, 'b'), hello);
  const address = `127.0.0.1:${a.port}`;
  b.transport.setPeers([{ id: identity(ours, 'a'), name: 'a', address }]);
  await a.diary.until(() => a.transport.isUp(identity(ours, 'b')));
});

test('TLS: a certificate of this authority for another cluster is refused, on both sides', async (t) => {
  const ours = await certify(['a']);
  const subject = { clusterId: 'elsewhere', replicaName: 'b' };
  const issued = await issueReplicaCertificate(ours.authority, subject);
  const abroad = { authority: ours.authority, issued: new Map([['b', issued]]) };
  const a = await listen(t, tlsOf(ours, 'a'), identity(ours, 'a'));
  const hello = { ...sampleHello(issued.identity, 'b', 'run-b'), clusterId: 'elsewhere' };
  const b = await listen(t, tlsOf(abroad, 'b', 'elsewhere'), issued.identity, hello);
  b.transport.setPeers([{ id: identity(ours, 'a'), name: 'a', address: `127.0.0.1:${a.port}` }]);
  assert.match((await fault(b.diary, 'identity')).detail, /conformance/);
  // One that does not look at ours.
  dialTls(t, a.port, tlsOf(abroad, 'b', 'elsewhere'));
  assert.match((await fault(a.diary, 'identity')).detail, /elsewhere/);
});

type Lie = readonly [says: string, lie: (honest: Hello) => Hello];
const lies: readonly Lie[] = [
  ['another identity', (honest) => ({ ...honest, from: 'f'.repeat(64) })],
  ['another name', (honest) => ({ ...honest, name: 'c' })],
  ['another cluster', (honest) => ({ ...honest, clusterId: 'elsewhere' })],
];
for (const [says, lie] of lies) {
  test(`TLS: a hello that claims ${says} than its certificate ends the connection`, async (t) => {
    const ours = await certify(['a', 'b']);
    const { diary, port } = await listen(t, tlsOf(ours, 'a'), identity(ours, 'a'));
    const socket = dialTls(t, port, tlsOf(ours, 'b'));
    const hello = lie(sampleHello(identity(ours, 'b'), 'b', 'run-b'));
    say(socket, hello.clusterId, { kind: 'hello', hello });
    await fault(diary, 'identity');
  });
}

test('TLS: whoever answers at a member’s address with another identity gets no link', async (t) => {
  const ours = await certify(['a', 'b', 'c']);
  const c = await listen(
    t,
    tlsOf(ours, 'c'),
    identity(ours, 'c'),
    sampleHello(identity(ours, 'c'), 'c', 'r'),
  );
  const a = await listen(t, tlsOf(ours, 'a'), identity(ours, 'a'));
  a.transport.setPeers([{ id: identity(ours, 'b'), name: 'b', address: `127.0.0.1:${c.port}` }]);
  assert.match((await fault(a.diary, 'identity')).detail, /b was expected/);
});

test('a replica whose address leads to itself says so, and gets no link', async (t) => {
  const a = await listen(t, { kind: 'insecure' }, 'id-a');
  a.transport.setPeers([{ id: null, name: 'a', address: `127.0.0.1:${a.port}` }]);
  assert.equal((await fault(a.diary, 'refusedByUs')).refusal?.code, 'self');
});

const honest = sampleHello('id-b', 'b', 'run-b');
const header = (bytes: number) => {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(bytes);
  return four;
};
type Nonsense = readonly [says: string, kind: LinkFault['kind'], bytes: (s: Socket) => void];
const nonsense: readonly Nonsense[] = [
  ['a length of 4 GiB', 'oversized', (s) => s.write(header(0xffffffff))],
  ['more than a greeting before the hello', 'oversized', (s) => s.write(header(64 * 1024 + 1))],
  ['random bytes', 'malformed', (s) => s.write(Buffer.concat([header(5), Buffer.alloc(5, 0xff)]))],
  ['a frame before the hello', 'malformed', (s) => say(s, clusterId, { kind: 'keepAlive' })],
  [
    'a frame of another cluster',
    'identity',
    (s) => {
      say(s, clusterId, { kind: 'hello', hello: honest });
      say(s, 'elsewhere', { kind: 'keepAlive' });
    },
  ],
  [
    'a hello in a frame of another cluster',
    'identity',
    (s) => {
      say(s, 'elsewhere', { kind: 'hello', hello: honest });
    },
  ],
  ['nothing at all', 'unfinished', () => undefined],
  ['half a frame', 'unfinished', (s) => s.write(header(100))],
];
for (const [says, kind, bytes] of nonsense) {
  test(`${says}: the connection ends as ${kind}`, async (t) => {
    const { diary, port } = await listen(t, { kind: 'insecure' }, 'id-a');
    const socket = connectPlain({ port, host: '127.0.0.1' });
    socket.on('error', () => socket.destroy());
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    bytes(socket);
    await fault(diary, kind);
  });
}

test('a second connection is not offered beside the first, and cannot accept by itself', async (t) => {
  // The higher identity offers: here the listener is it.
  const { diary, port } = await listen(t, { kind: 'insecure' }, 'id-z');
  const sockets = [0, 1].map(() => connectPlain({ port, host: '127.0.0.1' }));
  for (const socket of sockets) {
    socket.on('error', () => socket.destroy());
    t.after(() => socket.destroy());
  }
  const [first, second] = sockets;
  assert.ok(first !== undefined && second !== undefined);
  say(first, clusterId, { kind: 'hello', hello: honest });
  // Its hello and its offer have been read: the first one is offered.
  await once(first, 'data');
  say(second, clusterId, { kind: 'hello', hello: honest });
  say(second, clusterId, { kind: 'accepted' });
  await fault(diary, 'malformed');
  say(first, clusterId, { kind: 'accepted' });
  await diary.until(() => diary.all('up').length === 1);
});

test('without certificates only loopback is listened on, dialled, or taken', async (t) => {
  for (const listenOn of ['0.0.0.0:0', '[::]:0', '10.0.0.1:0', 'kms-a.example.org:0']) {
    const transport = new LinkTransport({
      self: 'x',
      listen: listenOn,
      security: { kind: 'insecure' },
    });
    await assert.rejects(
      transport.start(new TransportDiary(), () => honest),
      {
        code: 'CONSENSUS_INSECURE_ADDRESS',
      },
    );
  }
  const { transport } = await listen(t, { kind: 'insecure' }, 'id-a');
  assert.throws(() => transport.setPeers([{ id: null, name: 'b', address: '10.0.0.1:1' }]), {
    code: 'CONSENSUS_INSECURE_ADDRESS',
  });
});

test('a port that is taken is a typed error', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const bound = taken.address();
  assert.ok(bound !== null && typeof bound === 'object');
  const listenOn = `127.0.0.1:${bound.port}`;
  const transport = new LinkTransport({
    self: 'x',
    listen: listenOn,
    security: { kind: 'insecure' },
  });
  await assert.rejects(
    transport.start(new TransportDiary(), () => honest),
    {
      code: 'CONSENSUS_LISTEN_FAILED',
    },
  );
  await transport.stop();
});

test('after stop no socket, server or timer is left', async (t) => {
  const held = () =>
    process
      .getActiveResourcesInfo()
      .filter((name) => /TCP|TLS|Timeout/.test(name))
      .sort();
  const ours = await certify(['a', 'b']);
  const before = held();
  const b = new LinkTransport({
    self: identity(ours, 'b'),
    listen: '127.0.0.1:0',
    security: tlsOf(ours, 'b'),
  });
  const a = await listen(t, tlsOf(ours, 'a'), identity(ours, 'a'));
  const diary = new TransportDiary();
  await b.start(diary, () => sampleHello(identity(ours, 'b'), 'b', 'run-b'));
  b.setPeers([{ id: identity(ours, 'a'), name: 'a', address: `127.0.0.1:${a.port}` }]);
  await a.diary.until(() => a.transport.isUp(identity(ours, 'b')));
  assert.notDeepEqual(held(), before);
  await Promise.all([a.transport.stop(), b.stop()]);
  assert.deepEqual(held(), before);
});
