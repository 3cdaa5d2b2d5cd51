/**
 * `cmkms status` against real servers: where it asks, what it returns.
 *
 * Owns    HTTP first, then the admin socket; exit codes; the message when nobody answers.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AdminHandler, startAdmin } from '../src/admin/index.js';
import { type StatusOptions, statusCommand } from '../src/cli/status.js';
import { ReadinessWatch, type StatusJson, startHttp, statusJson } from '../src/http/index.js';
import { Metrics } from '../src/metrics/index.js';
import type { ReplicaStatus } from '../src/status.js';
import { alone, healthy, judged, world } from './example-status.js';

const host = '127.0.0.1';

async function newHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'cmkms-status-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  return home;
}

async function replicaHttp(t: TestContext, status: ReplicaStatus): Promise<number> {
  const metrics = new Metrics(world, { processMetrics: false });
  const server = await startHttp({
    address: { host, port: 0 },
    source: { status: () => status },
    readiness: new ReadinessWatch(),
    metrics,
    log: () => undefined,
  });
  t.after(() => server.stop(0));
  t.after(() => metrics.stop());
  return server.port;
}

async function replicaAdmin(t: TestContext, home: string, status: ReplicaStatus): Promise<void> {
  const never = (): Promise<never> => Promise.reject(new Error('not asked for'));
  const handler: AdminHandler = {
    status: () => Promise.resolve(statusJson(status, judged(status))),
    floorRaise: never,
    haltSet: never,
    haltClear: never,
    haltShow: never,
    chainRetire: never,
    memberAdd: never,
    memberReplace: never,
    memberPromote: never,
    memberRemove: never,
    leaderTransfer: never,
  };
  const path = join(home, 'data', 'admin.sock');
  const server = await startAdmin(home, path, handler, () => undefined);
  t.after(() => server.stop());
}

async function otherHttp(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function run(
  facts: Partial<StatusOptions> & Pick<StatusOptions, 'home'>,
): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await statusCommand({
    httpAddress: null,
    json: true,
    color: false,
    write: (part) => {
      text += part;
    },
    ...facts,
  });
  return { code, text };
}

const idOf = (text: string): string => (JSON.parse(text) as StatusJson).id;

test('over HTTP: 0 where ready, 1 where not, and the JSON as it is', async (t) => {
  const home = await newHome(t);
  for (const [status, code] of [
    [healthy, 0],
    [alone, 1],
  ] as const) {
    const port = await replicaHttp(t, status);
    const answer = await run({ home, httpAddress: { host, port } });
    assert.equal(answer.code, code);
    const direct = (await (await fetch(`http://${host}:${port}/status`)).json()) as StatusJson;
    assert.deepEqual(JSON.parse(answer.text), direct);
  }
});

test('a server on every interface is asked on loopback', async (t) => {
  const port = await replicaHttp(t, healthy);
  const answer = await run({ home: await newHome(t), httpAddress: { host: '', port } });
  assert.equal(idOf(answer.text), 'kms-a');
});

test('with HTTP switched off, over the admin socket', async (t) => {
  const home = await newHome(t);
  await replicaAdmin(t, home, alone);
  const answer = await run({ home });
  assert.deepEqual([answer.code, idOf(answer.text)], [1, 'kms-a']);
});

test('without --json, a table', async (t) => {
  const home = await newHome(t);
  await replicaAdmin(t, home, healthy);
  const { text } = await run({ home, json: false });
  assert.match(text, /^kms-a {2}ready {2}leader, serving, term 7\n/);
});

const wrong: readonly (readonly [what: string, listener: RequestListener])[] = [
  ["a node's RPC", (_, response) => response.end('{"jsonrpc":"2.0","result":{}}')],
  ['a web page', (_, response) => response.end('<html>')],
  ['null', (_, response) => response.end('null')],
  ['silence', () => undefined],
  [
    'an answer without an end',
    (_, response) => {
      response.write('{');
    },
  ],
  ['a cut connection', (_, response) => response.destroy()],
];
for (const [what, listener] of wrong) {
  test(`where ${what} is at the HTTP address, the admin socket answers`, async (t) => {
    const home = await newHome(t);
    await replicaAdmin(t, home, healthy);
    const port = await otherHttp(t, listener);
    const answer = await run({ home, httpAddress: { host, port }, timeoutMs: 200 });
    assert.deepEqual([answer.code, idOf(answer.text)], [0, 'kms-a']);
  });
}

test('nobody answers: exit 4, and both ways are named', async (t) => {
  const home = await newHome(t);
  const port = await otherHttp(t, (_, response) => response.end('<html>'));
  await assert.rejects(run({ home, httpAddress: { host, port } }), {
    code: 'NOT_RUNNING',
    exitCode: 4,
    message: new RegExp(`http://${host}:${port}/status: .*not cmkms; .*admin.sock does not exist`),
  });
});
