/**
 * The admin socket end to end, on real sockets: who may open it, what is answered, and what garbage does.
 *
 * Owns    modes, stale sockets, bounds, order, errors on both sides.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AdminHandler, AdminRefusal, adminRequest, startAdmin } from '../src/admin/index.js';
import { CmkmsError } from '../src/errors.js';
import { statusJson } from '../src/http/index.js';
import { healthy, hubKey, judged } from './example-status.js';

const patienceMs = 60_000;

async function home(t: TestContext): Promise<{ home: string; path: string }> {
  const made = await mkdtemp(join(tmpdir(), 'cmkms-admin-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return { home: made, path: join(made, 'data', 'admin.sock') };
}

const never = (): Promise<never> => Promise.reject(new Error('not in this test'));

const calm: AdminHandler = {
  status: () => Promise.resolve(statusJson(healthy, judged(healthy))),
  floorRaise: never,
  haltSet: never,
  haltClear: never,
  haltShow: () => Promise.resolve({ chains: [] }),
  chainRetire: never,
  memberAdd: never,
  memberReplace: never,
  memberPromote: never,
  memberRemove: never,
  leaderTransfer: never,
};

interface Running {
  readonly home: string;
  readonly path: string;
  readonly logged: string[];
}

async function running(t: TestContext, handler: Partial<AdminHandler> = {}): Promise<Running> {
  const place = await home(t);
  const logged: string[] = [];
  const server = await startAdmin(place.home, place.path, { ...calm, ...handler }, (event, facts) =>
    logged.push(`${event} ${JSON.stringify(facts)}`),
  );
  t.after(() => server.stop());
  return { ...place, logged };
}

const start = (place: { home: string; path: string }) =>
  startAdmin(place.home, place.path, calm, () => undefined);

/** Sends bytes as they are; resolves with all that came back once the other side closed. */
async function raw(path: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(path);
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test('a request reaches the replica, and its answer the operator', async (t) => {
  const { path, logged } = await running(t, {
    floorRaise: (request) => {
      assert.deepEqual(request, {
        kind: 'floorRaise',
        chainId: 'cosmoshub-4',
        keyAddress: hubKey,
        height: 9_223_372_036_854_775_807n,
        round: 1,
        step: 3,
      });
      const floor = { height: request.height.toString(), round: 1, step: 3 };
      return Promise.resolve({ changed: true, floor });
    },
  });
  const result = await adminRequest<'floorRaise'>(
    path,
    {
      kind: 'floorRaise',
      chainId: 'cosmoshub-4',
      keyAddress: hubKey,
      height: 9_223_372_036_854_775_807n,
      round: 1,
      step: 3,
    },
    patienceMs,
  );
  assert.deepEqual(result, {
    changed: true,
    floor: { height: '9223372036854775807', round: 1, step: 3 },
  });
  assert.deepEqual(logged, [
    `admin {"request":"floorRaise chainId=cosmoshub-4 keyAddress=${hubKey} height=9223372036854775807 round=1 step=3","outcome":"done","detail":null}`,
  ]);
});

test('reading leaves no line in the log', async (t) => {
  const { path, logged } = await running(t);
  assert.equal((await adminRequest(path, { kind: 'status' }, patienceMs)).id, 'kms-a');
  assert.deepEqual(await adminRequest(path, { kind: 'haltShow' }, patienceMs), { chains: [] });
  assert.deepEqual(logged, []);
});

test('what the replica refuses arrives with code, remedy and exit code', async (t) => {
  const { path, logged } = await running(t, {
    haltSet: () => Promise.reject(new CmkmsError('CHAIN_MISSING', { where: 'config.toml' })),
  });
  const asked = adminRequest(
    path,
    { kind: 'haltSet', chainId: 'a', keyAddress: null, height: 5n },
    patienceMs,
  );
  await assert.rejects(asked, (error: AdminRefusal) => {
    assert.ok(error instanceof AdminRefusal);
    assert.deepEqual([error.code, error.exitCode], ['CHAIN_MISSING', 2]);
    assert.match(error.message, /config\.toml: no chain/);
    assert.match(error.remedy, /--chain-id/);
    return true;
  });
  assert.match(logged[0] ?? '', /"request":"haltSet chainId=a height=5","outcome":"CHAIN_MISSING"/);
});

test('a failure of ours is a refusal too, and the replica goes on', async (t) => {
  const { path } = await running(t, {
    haltClear: () => Promise.reject(new Error('boom')),
    chainRetire: () => {
      throw new TypeError('thrown, not rejected');
    },
  });
  const chain = { chainId: 'a', keyAddress: null };
  for (const kind of ['haltClear', 'chainRetire'] as const) {
    await assert.rejects(adminRequest(path, { kind, ...chain }, patienceMs), {
      name: 'AdminRefusal',
      code: 'UNEXPECTED',
      message: /boom|thrown/,
    });
  }
  assert.equal((await adminRequest(path, { kind: 'status' }, patienceMs)).id, 'kms-a');
});

test('the socket is 0600 in a directory that is 0700, whatever the umask and the directory were', async (t) => {
  const place = await home(t);
  mkdirSync(dirname(place.path));
  chmodSync(dirname(place.path), 0o777);
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const server = await start(place);
  t.after(() => server.stop());
  assert.equal(lstatSync(place.path).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(place.path)).mode & 0o777, 0o700);
});

test('the end removes the socket and cuts whoever is connected', async (t) => {
  const place = await home(t);
  const server = await start(place);
  const socket = connect(place.path);
  await once(socket, 'connect');
  const closed = once(socket.resume(), 'close');
  await server.stop();
  await closed;
  assert.ok(!existsSync(place.path));
});

test('a socket that a killed process left behind is replaced', async (t) => {
  const place = await home(t);
  mkdirSync(dirname(place.path));
  const listen = `require('net').createServer().listen(process.argv[1], () => process.send('up'))`;
  const child = spawn(process.execPath, ['-e', listen, place.path], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  await assert.rejects(start(place), { code: 'HOME_LOCKED' });
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  assert.ok(lstatSync(place.path).isSocket(), 'it is still there');
  const server = await start(place);
  t.after(() => server.stop());
  assert.equal((await adminRequest(place.path, { kind: 'status' }, patienceMs)).id, 'kms-a');
});

test('whoever answers there keeps the socket', async (t) => {
  const { home: at, path } = await running(t);
  await assert.rejects(start({ home: at, path }), { code: 'HOME_LOCKED', exitCode: 4 });
  assert.equal((await adminRequest(path, { kind: 'status' }, patienceMs)).id, 'kms-a');
});

test('something that is no socket is never removed', async (t) => {
  const place = await home(t);
  mkdirSync(dirname(place.path));
  writeFileSync(place.path, 'precious');
  await assert.rejects(start(place), { code: 'NOT_WRITABLE', message: /no socket/ });
  assert.ok(lstatSync(place.path).isFile());
});

test('a path of 107 bytes works, one of 108 is refused by name on both sides', async (t) => {
  const { home: at } = await home(t);
  const directory = join(at, 'd'.repeat(107 - Buffer.byteLength(at) - 3));
  const longest = join(directory, 's');
  assert.equal(Buffer.byteLength(longest), 107);
  const server = await start({ home: at, path: longest });
  t.after(() => server.stop());
  assert.equal((await adminRequest(longest, { kind: 'status' }, patienceMs)).id, 'kms-a');
  const tooLong = { code: 'SOCKET_PATH', message: /is 108 bytes long/, exitCode: 2 };
  await assert.rejects(start({ home: at, path: `${longest}s` }), tooLong);
  await assert.rejects(adminRequest(`${longest}s`, { kind: 'status' }, patienceMs), tooLong);
});

test('many at once are all answered, each with its own answer', async (t) => {
  const many = 12;
  const held: (() => void)[] = [];
  const { path } = await running(t, {
    haltSet: async (request) => {
      await new Promise<void>((resolve) => {
        held.push(resolve);
        // All are being carried out: the last that came is answered first.
        if (held.length === many) for (const go of held.toReversed()) go();
      });
      return { changed: true, haltHeight: request.height.toString() };
    },
  });
  const asked = Array.from({ length: many }, (_, place) =>
    adminRequest<'haltSet'>(
      path,
      { kind: 'haltSet', chainId: 'a', keyAddress: null, height: BigInt(place + 1) },
      patienceMs,
    ),
  );
  const answers = await Promise.all(asked);
  assert.deepEqual(
    answers.map((answer) => answer.haltHeight),
    asked.map((_, place) => String(place + 1)),
  );
});

test('several requests on one connection are answered in order, one at a time', async (t) => {
  const begun: bigint[] = [];
  const first = new EventEmitter();
  const { path } = await running(t, {
    haltSet: async (request) => {
      begun.push(request.height);
      if (request.height === 1n) {
        first.emit('begun');
        await once(first, 'go on');
      }
      return { changed: true, haltHeight: request.height.toString() };
    },
  });
  const line = (height: number): string =>
    `{"v":1,"kind":"haltSet","chainId":"a","height":"${height}"}\n`;
  const socket = connect(path);
  t.after(() => socket.destroy());
  const started = once(first, 'begun');
  /** Another connection comes and goes after what was sent, so that was read. */
  const isRead = async (): Promise<void> => {
    assert.deepEqual(await adminRequest(path, { kind: 'haltShow' }, patienceMs), { chains: [] });
  };
  // In pieces: the second request arrives while the first is being carried out.
  socket.write(line(1).slice(0, 20));
  await isRead();
  socket.write(line(1).slice(20) + line(2).slice(0, 10));
  await started;
  socket.write(line(2).slice(10) + line(3));
  await isRead();
  assert.deepEqual(begun, [1n]);
  first.emit('go on');
  let text = '';
  while (text.split('\n').length < 4) text += String((await once(socket, 'data'))[0]);
  assert.deepEqual(
    text.match(/"haltHeight":"\d"/g),
    [1, 2, 3].map((height) => `"haltHeight":"${height}"`),
  );
});

const garbage: readonly (readonly [what: string, bytes: string | Buffer])[] = [
  ['text', 'GET / HTTP/1.1\r\n\r\n'],
  ['bytes', Buffer.from([0, 1, 2, 255, 254, 10])],
  ['a line without an end', 'x'.repeat(20_000)],
  ['a huge request', `{"v":1,"kind":"${'x'.repeat(100_000)}"}\n`],
  ['another version', '{"v":9,"kind":"status"}\n'],
];
for (const [what, bytes] of garbage) {
  test(`${what}: one refusal, then the connection ends, and the next one works`, async (t) => {
    const { path } = await running(t);
    const said = await raw(path, bytes).catch((error: NodeJS.ErrnoException) => {
      // Who still sends when the other side closes may get a reset before it reads the answer.
      assert.ok(error.code === 'ECONNRESET' || error.code === 'EPIPE', error.message);
      return '{"v":1,"ok":false,"error":{"code":"BAD_REQUEST"}}\n';
    });
    assert.match(said, /^\{"v":1,"ok":false,"error":\{"code":"BAD_REQUEST".*\}\n$/);
    assert.equal((await adminRequest(path, { kind: 'status' }, patienceMs)).id, 'kms-a');
  });
}

test('nobody there: which home, and how to start it', async (t) => {
  const { home: at, path } = await home(t);
  await assert.rejects(adminRequest(path, { kind: 'status' }, patienceMs), (error: CmkmsError) => {
    assert.deepEqual([error.code, error.exitCode], ['NOT_RUNNING', 4]);
    assert.match(error.message, /admin\.sock does not exist/);
    assert.ok(error.remedy.includes(at));
    return true;
  });
});

/** Something else that listens on the socket. */
async function impostor(t: TestContext, says: string | null): Promise<string> {
  const { path } = await home(t);
  mkdirSync(dirname(path));
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (says === null) socket.resume();
    else socket.end(says);
  });
  t.after(() => server.close());
  t.after(() => server.unref());
  server.listen(path);
  await once(server, 'listening');
  return path;
}

const impostors: readonly (readonly [what: string, says: string, message: RegExp])[] = [
  ['garbage', 'hello\n', /does not speak/],
  ['another version', '{"v":2,"ok":true,"result":{}}\n', /does not speak/],
  ['neither yes nor no', '{"v":1}\n', /does not speak/],
  ['nothing', '', /without an answer/],
  ['half an answer', '{"v":1,"ok":true', /without an answer/],
];
for (const [what, says, message] of impostors) {
  test(`${what} in the place of an answer`, async (t) => {
    const path = await impostor(t, says);
    const asked = adminRequest(path, { kind: 'status' }, patienceMs);
    await assert.rejects(asked, { code: 'NOT_RUNNING', message });
  });
}

test('a replica that hangs: the operator learns that it may still happen', async (t) => {
  const path = await impostor(t, null);
  await assert.rejects(adminRequest(path, { kind: 'status' }, 20), {
    code: 'NOT_RUNNING',
    message: /no answer within 20 ms; it may still be carried out/,
  });
});

test('another user may not ask', { skip: process.getuid?.() === 0 && 'root may' }, async (t) => {
  const { path } = await running(t);
  chmodSync(path, 0o000);
  await assert.rejects(adminRequest(path, { kind: 'status' }, patienceMs), {
    code: 'PERMISSION',
    exitCode: 4,
  });
});
