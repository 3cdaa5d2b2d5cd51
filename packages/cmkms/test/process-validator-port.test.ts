/**
 * What may stand at a validator's address besides a validator: a real process lives on, its log names the cause, and
 * the validator beside them is signed for.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from './cluster.js';
import { parseSamples, sampleName } from './exposition.js';
import { makePlaces, type Place, statusAt } from './process-homes.js';
import { type LogLine, Process } from './processes.js';
import { CHAIN, keyOf } from './scratch-homes.js';
import { Validator } from './validator.js';

const key = keyOf(1).publicKey;

let directory: string;
let place: Place;
let solo: Process;
let validator: Validator;
let stranger: Validator;
const servers: Server[] = [];
/** One that nobody reads from never ends by itself, and its server would wait for it. */
const sockets = new Set<Socket>();
const at: Record<'http' | 'garbage' | 'scanner' | 'silent' | 'nobody', string> = {
  http: '',
  garbage: '',
  scanner: '',
  silent: '',
  nobody: 'tcp://127.0.0.1:1',
};

async function listening(server: Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cmkms-ports-'));
  validator = await Validator.listen(CHAIN);
  stranger = await Validator.listen('other-1');
  at.http = await listening(createHttpServer((_request, response) => response.end('hello')));
  at.garbage = await listening(
    createServer((socket) => {
      socket.on('error', () => 'it hung up');
      socket.write(randomBytes(1 << 16));
    }),
  );
  // As a scanner leaves it: the connection opens, and closes without a byte.
  at.scanner = await listening(createServer((socket) => socket.destroy()));
  at.silent = await listening(createServer((socket) => socket.on('error', () => 'it hung up')));
  const addresses = [...Object.values(at), stranger.address, validator.address];
  const [made] = await makePlaces(directory, ['only'], addresses);
  assert.ok(made);
  place = made;
  solo = new Process(place.args);
  await solo.until('ready');
});

after(async () => {
  await solo.kill();
  for (const each of [validator, stranger]) await each.stop();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

test('an HTTP server: the log says what answered, and which port is meant', async () => {
  const { answered, note } = await solo.until(
    'not_privval',
    (line) => line['validator'] === at.http,
  );
  assert.match(String(answered), /HTTP/);
  assert.match(String(note), /priv_validator_laddr/);
});

test('garbage, a port that closes at once, and one that nobody listens on: named by address and cause', async () => {
  const down = (address: string) => (line: LogLine) => line['validator'] === address;
  for (const address of [at.garbage, at.scanner]) {
    const { reason } = await solo.until('link_down', down(address));
    assert.notEqual(reason, '', address);
  }
  const { reason } = await solo.until('link_down', down(at.nobody));
  assert.match(String(reason), /connection refused: node down or priv_validator_laddr unset/);
});

test('a validator of another chain: a typed error, said with the chain that it asked for', async () => {
  const answer = await stranger.ask({ kind: 'pubKeyRequest', chainId: 'other-1' });
  assert.ok(answer.kind === 'pubKeyResponse' && answer.key === null, 'no key of this chain');
  assert.ok(answer.error !== null);
  const { asked_for, note } = await solo.until(
    'chain_id_differs',
    (line) => line['validator'] === stranger.address,
  );
  assert.match(String(asked_for), /other-1/);
  assert.match(String(note), /move the address to the right/);
  await assert.rejects(stranger.sign(key, { height: 1 }), /chain/);
});

test('the process lives, signs for the validator beside them, and counts what it met', async () => {
  await validator.sign(key, { height: 1 });
  assert.ok(solo.alive, solo.said);
  assert.equal((await statusAt(place))?.is_leader, true);
  const dialled = (validator_: string, outcome: string) =>
    sampleName('cmkms_validator_dials_total', { chain_id: CHAIN, validator: validator_, outcome });
  await until('the dials are counted', async () => {
    const text = await (await fetch(`http://127.0.0.1:${place.httpPort}/metrics`)).text();
    const seen = parseSamples(text);
    const wanted = [
      dialled(at.http, 'not_privval'),
      dialled(at.nobody, 'refused'),
      dialled(validator.address, 'ok'),
    ];
    return wanted.every((name) => (seen.get(name) ?? 0) > 0) || undefined;
  });
  // Nodes that are down must not make an orchestrator evict their signer.
  await until('ready, with a note', async () => {
    const answer = await fetch(`http://127.0.0.1:${place.httpPort}/readyz`);
    const { notes } = (await answer.json()) as { notes: readonly { code: string }[] };
    return (answer.ok && notes.some(({ code }) => code === 'VALIDATOR_DOWN')) || undefined;
  });
  assert.equal(await solo.stop(), 0);
});
