/**
 * The HTTP server on a real socket: endpoints, methods, garbage, limits, and its end.
 *
 * Owns    what each endpoint answers; what is in the bodies belongs to their own tests.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { CmkmsError } from '../src/errors.js';
import { type HttpServer, ReadinessWatch, startHttp } from '../src/http/index.js';
import { Metrics } from '../src/metrics/index.js';
import type { ReplicaStatus } from '../src/status.js';
import { alone, healthy, world } from './example-status.js';

interface Running extends HttpServer {
  readonly logged: string[];
  show(next: () => ReplicaStatus): void;
  url(path: string): string;
}

async function running(t: TestContext, port = 0): Promise<Running> {
  let current = (): ReplicaStatus => healthy;
  const logged: string[] = [];
  const metrics = new Metrics(world, { processMetrics: false });
  t.after(() => metrics.stop());
  const server = await startHttp({
    address: { host: '127.0.0.1', port },
    source: { status: () => current() },
    readiness: new ReadinessWatch(),
    metrics,
    log: (event, facts) => logged.push(`${event} ${JSON.stringify(facts)}`),
  });
  t.after(() => server.stop(0));
  return {
    ...server,
    logged,
    show: (next) => {
      current = next;
    },
    url: (path) => `http://127.0.0.1:${server.port}${path}`,
  };
}

async function open(t: TestContext, server: HttpServer): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function everything(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

const failed = { ...healthy, log: { bytes: 1, failed: true, lastSyncMs: 1, slowSyncMs: 9 } };

const rows: readonly (readonly [
  path: string,
  status: ReplicaStatus,
  code: number,
  body: RegExp,
])[] = [
  ['/healthz', healthy, 200, /^ok\n$/],
  ['/healthz', failed, 200, /^ok\n$/],
  ['/livez', healthy, 200, /^ok\n$/],
  ['/livez', alone, 200, /^ok\n$/],
  ['/livez', failed, 503, /log cannot be written/],
  ['/readyz', healthy, 200, /^\{"ready":true,"reasons":\[\],"notes":\[\]\}\n$/],
  [
    '/readyz',
    alone,
    503,
    /^\{"ready":false,"reasons":\[\{"code":"NO_QUORUM","detail":.*,"since":"2/,
  ],
  ['/status', healthy, 200, /^\{"is_leader":true,"leader_id":"kms-a","leader_addr":/],
  ['/status', alone, 200, /^\{"is_leader":false,/],
  ['/status?pretty', healthy, 200, /^\{"is_leader":true/],
  ['/metrics', healthy, 200, /^# HELP cmkms_build_info/],
  ['/', healthy, 404, /\/healthz/],
  ['/status/', healthy, 404, /\/healthz/],
  ['/__proto__', healthy, 404, /\/healthz/],
  ['/constructor', healthy, 404, /\/healthz/],
];

test('GET, and HEAD with the same headers and no body', async (t) => {
  const server = await running(t);
  for (const [path, status, code, body] of rows) {
    server.show(() => status);
    const got = await fetch(server.url(path));
    const text = await got.text();
    assert.equal(got.status, code, path);
    assert.match(text, body, path);
    const head = await fetch(server.url(path), { method: 'HEAD' });
    assert.equal(head.status, code, path);
    assert.equal(await head.text(), '');
    assert.equal(head.headers.get('content-type'), got.headers.get('content-type'));
    assert.equal(got.headers.get('cache-control'), 'no-store');
  }
});

test('nothing but GET and HEAD', async (t) => {
  const server = await running(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const got = await fetch(server.url('/status'), { method });
    assert.equal(got.status, 405, method);
    assert.equal(got.headers.get('allow'), 'GET, HEAD');
    await got.text();
  }
});

test('a body is not read, and ends the connection', async (t) => {
  const server = await running(t);
  const socket = await open(t, server);
  socket.write('POST /status HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx');
  const text = await everything(socket);
  assert.match(text, /^HTTP\/1\.1 405 .*Connection: close/s);
});

const garbage: readonly (readonly [what: string, bytes: string | Buffer, answer: RegExp])[] = [
  ['no HTTP at all', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['bytes', Buffer.from([0, 255, 254, 10, 13, 10, 13, 10]), /^HTTP\/1\.1 400 /],
  ['headers without an end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(10_000)}`, /^HTTP\/1\.1 431 /],
  ['a TLS hello', Buffer.from('16030100a5010000a1', 'hex'), /^HTTP\/1\.1 400 /],
  [
    'an upgrade',
    'GET /status HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: x\r\n\r\n',
    /^HTTP\/1\.1 200 /,
  ],
];
for (const [what, bytes, answer] of garbage) {
  test(`${what} gets an answer, and the server goes on`, async (t) => {
    const server = await running(t);
    const socket = await open(t, server);
    socket.write(bytes);
    assert.match(await everything(socket), answer);
    assert.equal((await fetch(server.url('/healthz'))).status, 200);
  });
}

test('a failure inside is a 500, a line in the log, and nothing else', async (t) => {
  const server = await running(t);
  server.show(() => {
    throw new Error('gone');
  });
  for (const path of ['/status', '/metrics', '/readyz', '/livez']) {
    const got = await fetch(server.url(path));
    assert.equal(got.status, 500);
    assert.equal(await got.text(), 'internal error\n');
  }
  assert.match(server.logged.at(-1) ?? '', /^http_failed .*"detail":"gone"/);
  server.show(() => healthy);
  assert.equal((await fetch(server.url('/status'))).status, 200);
});

test('more connections than the limit are turned away, and the others work', async (t) => {
  const server = await running(t);
  const idle = await Promise.all(Array.from({ length: 64 }, () => open(t, server)));
  const one = await open(t, server);
  assert.equal(await everything(one), '');
  idle[0]?.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await everything(idle[0] as Socket), / 200 OK/);
});

test('the end closes connections that are idle, and those that never ask', async (t) => {
  const server = await running(t);
  const silent = await open(t, server);
  const half = await open(t, server);
  half.write('GET /status HTTP/1.1\r\n');
  const idle = await open(t, server);
  idle.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(idle, 'data');
  const closed = [silent, half, idle].map((socket) => {
    socket.resume();
    return once(socket, 'close');
  });
  await server.stop(20);
  await Promise.all(closed);
});

test('a port that is taken is named, with what to do', async (t) => {
  const server = await running(t);
  await assert.rejects(running(t, server.port), (error: CmkmsError) => {
    assert.equal(error.code, 'HTTP_BIND');
    assert.equal(error.exitCode, 4);
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${server.port} .*in use`));
    assert.match(error.remedy, /--http-addr/);
    return true;
  });
});
