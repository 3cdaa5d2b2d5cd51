/**
 * Key schedule, challenge and sealed frames against fixed values.
 *
 * Owns    nothing.
 * Never   takes an expected value from the code under test: the key schedule is CometBFT's golden
 *         file (p2p/conn/testdata/TestDeriveSecretsAndChallengeGolden.golden), the handshake was
 *         computed with another implementation.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type PrivvalCode, PrivvalError } from '../src/errors.js';
import { frame } from '../src/framing.js';
import { encodeAuthSignature } from '../src/message-codec.js';
import {
  createIdentity,
  deriveSecrets,
  ephemeralKey,
  FrameOpener,
  FrameSealer,
  handshakeChallenge,
  sealedFrameBytes,
  verifyIdentity,
} from '../src/sealed-frames.js';
import * as fixed from './fixed-handshake.js';
import { bytesOf, hexOf } from './vectors.js';

const code = (expected: PrivvalCode) => (error: unknown) =>
  error instanceof PrivvalError && error.code === expected;

const golden = [
  '9fe4a5a73df12dbd8659b1d9280873fe993caefec6b0ebc2686dd65027148e03,true,80a83ad6afcb6f8175192e41973aed31dd75e3c106f813d986d9567a4865eb2f,96362a04f628a0666d9866147326898bb0847b8db8680263ad19e6336d4eed9e',
  '0716764b370d543fee692af03832c16410f0a56e4ddb79604ea093b10bb6f654,false,84f2b1e8658456529a2c324f46c3406c3c6fecd5fbbf9169f60bed8956a8b03d,cba357ae33d7234520d5742102a2a6cdb39b7db59c14a58fa8aadd310127630f',
  '358dd73aae2c5b7b94b57f950408a3c681e748777ecab2063c8ca51a63588fa8,false,c2e2f664c8ee561af8e1e30553373be4ae23edecc8c6bd762d44b2afb7f2a037,d1563f428ac1c023c15d8082b2503157fe9ecbde4fb3493edd69ebc299b4970c',
];
for (const line of golden) {
  const [shared = '', isLower, receive, send] = line.split(',');
  test(`the keys from ${shared.slice(0, 8)}… are those of CometBFT's golden file`, () => {
    const { receiveKey, sendKey } = deriveSecrets(bytesOf(shared), isLower === 'true');
    assert.deepEqual([hexOf(receiveKey), hexOf(sendKey)], [receive, send]);
  });
}

test('both sides of the fixed handshake derive the same secret, challenge and keys', () => {
  const { a, b } = fixed;
  const shared = a.ephemeral.agree(b.ephemeral.publicKey);
  assert.equal(hexOf(a.ephemeral.publicKey), fixed.aEphemeralPublic);
  assert.equal(hexOf(b.ephemeral.publicKey), fixed.bEphemeralPublic);
  assert.equal(hexOf(shared), fixed.shared);
  assert.equal(hexOf(b.ephemeral.agree(a.ephemeral.publicKey)), fixed.shared);
  const { publicKey: lower } = a.ephemeral;
  const challenge = handshakeChallenge(lower, b.ephemeral.publicKey, shared);
  assert.equal(hexOf(challenge), fixed.challenge);
  const mine = deriveSecrets(shared, true);
  assert.deepEqual([hexOf(mine.receiveKey), hexOf(mine.sendKey)], [fixed.key1, fixed.key2]);
  const theirs = deriveSecrets(shared, false);
  assert.deepEqual([hexOf(theirs.sendKey), hexOf(theirs.receiveKey)], [fixed.key1, fixed.key2]);
});

for (const [name, side] of [
  ['A', fixed.a],
  ['B', fixed.b],
] as const) {
  test(`side ${name} proves the fixed identity by the fixed signature`, () => {
    const challenge = bytesOf(fixed.challenge);
    assert.equal(hexOf(side.identity.publicKey), side.identityPublic);
    assert.equal(hexOf(side.identity.sign(challenge)), side.signature);
    const signature = bytesOf(side.signature);
    assert.ok(verifyIdentity(side.identity.publicKey, challenge, signature));
    signature[0] = (signature[0] ?? 0) ^ 1;
    assert.ok(!verifyIdentity(side.identity.publicKey, challenge, signature));
  });
}

test('the auth message has 103 bytes, in the order that Go writes', () => {
  const { identityPublic, signature } = fixed.a;
  const framed = frame(encodeAuthSignature(bytesOf(identityPublic), bytesOf(signature)));
  assert.equal(hexOf(framed), `660a220a20${identityPublic}1240${signature}`);
});

test('the first two frames of each direction are the fixed ones', () => {
  for (const [sendKey, expected] of [
    [fixed.key2, fixed.framesFromA],
    [fixed.key1, fixed.framesFromB],
  ] as const) {
    const sealer = new FrameSealer(bytesOf(sendKey));
    for (const { plain, first16, tag, sha256 } of expected) {
      const sealed = sealer.seal(bytesOf(plain));
      assert.equal(sealed.length, sealedFrameBytes);
      assert.equal(hexOf(sealed.subarray(0, 16)), first16);
      assert.equal(hexOf(sealed.subarray(-16)), tag);
      assert.equal(createHash('sha256').update(sealed).digest('hex'), sha256);
    }
  }
});

const sealKey = new Uint8Array(32).fill(7);

for (const length of [1, 1023, 1024, 1025, 5000]) {
  test(`${length} bytes are sealed in frames of one size and come back`, () => {
    const plain = Uint8Array.from({ length }, (_, i) => i % 251);
    const sealed = new FrameSealer(sealKey).seal(plain);
    assert.equal(sealed.length, Math.ceil(length / 1024) * 1044);
    const opener = new FrameOpener(sealKey);
    const opened: Uint8Array[] = [];
    for (let at = 0; at < sealed.length; at += sealedFrameBytes) {
      opened.push(opener.open(sealed.subarray(at, at + sealedFrameBytes)));
    }
    assert.equal(hexOf(Buffer.concat(opened)), hexOf(plain));
  });
}

test('nothing is sealed as nothing', () => {
  assert.equal(new FrameSealer(sealKey).seal(new Uint8Array(0)).length, 0);
});

test('any changed byte is noticed: length, content, padding or tag', () => {
  for (const at of [0, 4, 600, 1027, 1028, 1043]) {
    const sealed = new FrameSealer(sealKey).seal(Uint8Array.of(1, 2, 3));
    sealed[at] = (sealed[at] ?? 0) ^ 0x40;
    assert.throws(() => new FrameOpener(sealKey).open(sealed), code('PRIVVAL_DECRYPT'));
  }
});

test('a frame that is repeated, left out or out of order is noticed', () => {
  const sealer = new FrameSealer(sealKey);
  const [first, second] = [sealer.seal(Uint8Array.of(1)), sealer.seal(Uint8Array.of(2))];
  const repeated = new FrameOpener(sealKey);
  repeated.open(first);
  assert.throws(() => repeated.open(first), code('PRIVVAL_DECRYPT'));
  assert.throws(() => new FrameOpener(sealKey).open(second), code('PRIVVAL_DECRYPT'));
});

test('old bytes in the padding, as Go leaves them, are ignored', () => {
  const opened = new FrameOpener(sealKey).open(fixed.sealByHand(sealKey, 0, 3, 0xee));
  assert.equal(hexOf(opened), 'eeeeee');
});

test('a frame that claims more than fits is refused', () => {
  const sealed = fixed.sealByHand(sealKey, 0, 1025, 0);
  assert.throws(() => new FrameOpener(sealKey).open(sealed), code('PRIVVAL_CHUNK_LENGTH'));
});

// RFC 7748 and the curve's small subgroup: 0, 1, two points of order 8, p-1, p, p+1.
const lowOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];
for (const point of lowOrder) {
  test(`the low-order point ${point.slice(0, 8)}…${point.slice(-2)} is refused`, () => {
    assert.throws(() => ephemeralKey().agree(bytesOf(point)), code('PRIVVAL_HANDSHAKE_LOW_ORDER'));
  });
}

test('keys are fresh unless they are given', () => {
  assert.notEqual(hexOf(ephemeralKey().publicKey), hexOf(ephemeralKey().publicKey));
  assert.notEqual(hexOf(createIdentity().publicKey), hexOf(createIdentity().publicKey));
});
