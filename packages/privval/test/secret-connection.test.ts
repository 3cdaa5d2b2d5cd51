/**
 * The handshake on real sockets: with fixed keys byte for byte, and against strangers.
 *
 * Owns    nothing.
 * Never   lets both sides of a byte-for-byte test run our code: the other one writes fixed bytes.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parseValidatorAddress } from '../src/address.js';
import { dial } from '../src/dialer.js';
import { asPrivvalError, type PrivvalCode, type PrivvalError } from '../src/errors.js';
import { frame } from '../src/framing.js';
import { encodeAuthSignature } from '../src/message-codec.js';
import {
  createIdentity,
  deriveSecrets,
  ephemeralKey,
  FrameSealer,
  handshakeChallenge,
} from '../src/sealed-frames.js';
import { type SecretConnection, secretHandshake } from '../src/secret-connection.js';
import * as fixed from './fixed-handshake.js';
import { Feed, Listener } from './validator-side.js';
import { bytesOf, hexOf } from './vectors.js';

const { a, b } = fixed;

/** A socket of the listener and our half, before any handshake. */
async function open(t: TestContext): Promise<{ socket: Socket; shake: Shake }> {
  const listener = await Listener.open(t, 'tcp');
  const plain = await dial(listener.address);
  t.after(() => plain.reset());
  const socket = await listener.accepted.next();
  const shake: Shake = (timeoutMs = 10_000) =>
    secretHandshake(plain, { identity: a.identity, ephemeral: a.ephemeral, timeoutMs });
  return { socket, shake };
}

type Shake = (timeoutMs?: number) => Promise<SecretConnection>;

async function failureOf(shaken: Promise<unknown>): Promise<PrivvalError> {
  return shaken.then(
    () => assert.fail('the handshake succeeded'),
    (error: unknown) => asPrivvalError(error),
  );
}

/** Reads exactly so many bytes of what comes. */
function reader(socket: Socket): (length: number) => Promise<Buffer> {
  const chunks = new Feed<Buffer>();
  socket.on('data', (bytes) => chunks.push(bytes));
  let rest = Buffer.alloc(0);
  return async (length) => {
    while (rest.length < length) rest = Buffer.concat([rest, await chunks.next()]);
    const taken = rest.subarray(0, length);
    rest = rest.subarray(length);
    return taken;
  };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('a handshake with fixed keys, and one ping after it, byte for byte', async (t) => {
  const { socket, shake } = await open(t);
  const read = reader(socket);
  const shaken = shake();
  assert.equal(hexOf(await read(35)), `220a20${fixed.aEphemeralPublic}`);
  socket.write(Buffer.concat([bytesOf(`220a20${fixed.bEphemeralPublic}`)]));
  assert.equal(sha256(await read(1044)), fixed.framesFromA[0]?.sha256);

  const sealer = new FrameSealer(bytesOf(fixed.key1));
  const sealed = fixed.framesFromB.map(({ plain }) => sealer.seal(bytesOf(plain)));
  assert.deepEqual(
    sealed.map(sha256),
    fixed.framesFromB.map((one) => one.sha256),
  );
  // Auth and ping in one write: the second must not be lost to the handshake.
  socket.write(Buffer.concat(sealed));
  const connection = await shaken;
  assert.equal(hexOf(connection.remoteKey), b.identityPublic);

  const received = new Feed<string>();
  connection.start({ data: (bytes) => received.push(hexOf(bytes)), closed: () => {} });
  assert.equal(await received.next(), '023a00');
  connection.write(bytesOf('024200'));
  assert.equal(sha256(await read(1044)), fixed.framesFromA[1]?.sha256);
});

test('bytes that come one by one are a handshake too', async (t) => {
  const { socket, shake } = await open(t);
  const shaken = shake();
  socket.setNoDelay(true);
  const sealer = new FrameSealer(bytesOf(fixed.key1));
  const auth = sealer.seal(bytesOf(fixed.framesFromB[0]?.plain ?? ''));
  const all = Buffer.concat([bytesOf(`220a20${fixed.bEphemeralPublic}`), auth]);
  for (const byte of all) {
    await new Promise((written) => socket.write(Uint8Array.of(byte), written));
  }
  assert.equal(hexOf((await shaken).remoteKey), b.identityPublic);
});

test('both sides may be ours, and long messages arrive whole in both directions', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  const plain = await dial(listener.address);
  t.after(() => plain.reset());
  const [node, connection] = await Promise.all([
    listener.node(),
    secretHandshake(plain, { identity: createIdentity() }),
  ]);
  const received = new Feed<string>();
  const collected: Buffer[] = [];
  connection.start({
    data: (bytes) => {
      collected.push(Buffer.from(bytes));
      const all = Buffer.concat(collected);
      if (all.length === 200_000) received.push(sha256(all));
    },
    closed: () => {},
  });
  const long = Buffer.alloc(200_000, 'privval');
  node.sendBytes(long);
  assert.equal(await received.next(), sha256(long));
  connection.write(frame(bytesOf('4200')));
  assert.deepEqual(await node.answers.next(), { kind: 'pingResponse' });
});

// ---------------------------------------------------------------------------------- strangers

const strangers: readonly (readonly [why: string, says: Uint8Array, names: RegExp])[] = [
  ['an SSH server speaks first', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), /SSH.*OpenSSH_9/],
  ['a mail server speaks first', Buffer.from('220 mx ESMTP\r\n'), /said "220 mx ESMTP"/],
  ['a TLS server sends an alert', bytesOf('15030300020232'), /answered TLS/],
  ['binary bytes', bytesOf('00ff00ff'), /sent 00ff00ff/],
  ['a length other than 34', bytesOf('210a1f'), /sent 210a1f/],
];
for (const [why, says, names] of strangers) {
  test(`PRIVVAL_NOT_PRIVVAL: ${why}`, async (t) => {
    const { socket, shake } = await open(t);
    const shaken = shake();
    socket.write(says);
    const error = await failureOf(shaken);
    assert.equal(error.code, 'PRIVVAL_NOT_PRIVVAL');
    assert.match(error.message, names);
  });
}

test('PRIVVAL_NOT_PRIVVAL: a real HTTP server is named as the RPC port', async (t) => {
  const server = createHttpServer();
  t.after(() => server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  const plain = await dial(parseValidatorAddress(`127.0.0.1:${bound.port}`));
  const error = await failureOf(secretHandshake(plain, { identity: a.identity }));
  assert.equal(error.code, 'PRIVVAL_NOT_PRIVVAL');
  assert.match(
    error.message,
    /answered HTTP \("HTTP\/1\.1 400 Bad Request"\): that is the RPC port/,
  );
});

test('PRIVVAL_PARKED: open, and not one byte', async (t) => {
  const { shake } = await open(t);
  assert.equal((await failureOf(shake(30))).code, 'PRIVVAL_PARKED');
});

test('PRIVVAL_HANDSHAKE_TIMEOUT: it starts well and stops', async (t) => {
  const { socket, shake } = await open(t);
  socket.write(bytesOf(`220a20${fixed.bEphemeralPublic}`));
  assert.equal((await failureOf(shake(60))).code, 'PRIVVAL_HANDSHAKE_TIMEOUT');
});

test('PRIVVAL_HANDSHAKE_CLOSED: closed before a byte, or in the middle', async (t) => {
  for (const early of ['', '220a20', `220a20${fixed.bEphemeralPublic}`]) {
    const { socket, shake } = await open(t);
    const shaken = shake();
    socket.end(bytesOf(early));
    const error = await failureOf(shaken);
    assert.equal(error.code, 'PRIVVAL_HANDSHAKE_CLOSED');
    assert.match(error.message, new RegExp(`after ${early.length / 2} bytes`));
  }
});

test('PRIVVAL_HANDSHAKE_LOW_ORDER: an all-zero ephemeral key', async (t) => {
  const { socket, shake } = await open(t);
  const shaken = shake();
  socket.write(bytesOf(`220a20${'00'.repeat(32)}`));
  assert.equal((await failureOf(shaken)).code, 'PRIVVAL_HANDSHAKE_LOW_ORDER');
});

test('a peer that only echoes our bytes is refused', async (t) => {
  const { socket, shake } = await open(t);
  socket.pipe(socket);
  assert.equal((await failureOf(shake())).code, 'PRIVVAL_DECRYPT');
});

const identity = createIdentity();
const challenge = bytesOf(fixed.challenge);
const { publicKey } = identity;
const otherChallenge = handshakeChallenge(a.ephemeral.publicKey, b.ephemeral.publicKey, challenge);
const falseProofs: readonly (readonly [why: string, body: Uint8Array, code: PrivvalCode])[] = [
  [
    'a signature over something else',
    encodeAuthSignature(publicKey, identity.sign(otherChallenge)),
    'PRIVVAL_HANDSHAKE_IDENTITY',
  ],
  [
    "another identity's signature",
    encodeAuthSignature(publicKey, createIdentity().sign(challenge)),
    'PRIVVAL_HANDSHAKE_IDENTITY',
  ],
  [
    'a key of 31 bytes',
    encodeAuthSignature(publicKey.slice(1), identity.sign(challenge)),
    'PRIVVAL_HANDSHAKE_IDENTITY',
  ],
  [
    'a signature of 63 bytes',
    encodeAuthSignature(publicKey, identity.sign(challenge).slice(1)),
    'PRIVVAL_HANDSHAKE_IDENTITY',
  ],
  [
    'a secp256k1 key',
    bytesOf(`0a231221${'02'.repeat(33)}1240${'00'.repeat(64)}`),
    'PRIVVAL_HANDSHAKE_IDENTITY',
  ],
  ['an empty message', new Uint8Array(0), 'PRIVVAL_HANDSHAKE_IDENTITY'],
  ['no protobuf at all', bytesOf('0a7f'), 'PRIVVAL_UNDECODABLE'],
  ['a message that never ends', new Uint8Array(1025), 'PRIVVAL_OVERSIZE'],
];
for (const [why, body, code] of falseProofs) {
  test(`${code}: ${why} as proof of identity`, async (t) => {
    const { socket, shake } = await open(t);
    const shaken = shake();
    const sealer = new FrameSealer(bytesOf(fixed.key1));
    const first = bytesOf(`220a20${fixed.bEphemeralPublic}`);
    socket.write(Buffer.concat([first, sealer.seal(frame(body))]));
    assert.equal((await failureOf(shaken)).code, code);
  });
}

test('after the handshake a damaged frame ends the connection by a reset', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  const plain = await dial(listener.address);
  const [node, connection] = await Promise.all([
    listener.node(),
    secretHandshake(plain, { identity: createIdentity() }),
  ]);
  const closed = new Feed<PrivvalError>();
  connection.start({ data: () => assert.fail('delivered'), closed: (why) => closed.push(why) });
  node.socket.write(new Uint8Array(1044));
  assert.equal((await closed.next()).code, 'PRIVVAL_DECRYPT');
  assert.equal(await node.closeCode(), 'ECONNRESET');
});

test('the end is told once, also to a receiver that comes after it', async (t) => {
  const listener = await Listener.open(t, 'tcp');
  const plain = await dial(listener.address);
  const [node, connection] = await Promise.all([
    listener.node(),
    secretHandshake(plain, { identity: createIdentity() }),
  ]);
  const gone = new Promise((done) => plain.socket.once('close', done));
  node.connection.end();
  await gone;
  const closed: PrivvalCode[] = [];
  await new Promise<void>((done) => {
    connection.start({
      data: () => {},
      closed: (why) => {
        closed.push(why.code);
        done();
      },
    });
  });
  assert.deepEqual(closed, ['PRIVVAL_CLOSED']);
});

test('the two directions have different keys', () => {
  const shared = ephemeralKey().agree(ephemeralKey().publicKey);
  const { receiveKey, sendKey } = deriveSecrets(shared, true);
  assert.notDeepEqual(receiveKey, sendKey);
  assert.deepEqual(deriveSecrets(shared, false), { receiveKey: sendKey, sendKey: receiveKey });
});
