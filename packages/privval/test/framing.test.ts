/**
 * Frames: any messages in any chunks come out as they went in; each defect has its error.
 *
 * Owns    nothing.
 * Never   uses the encoder to build a defect.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type PrivvalCode, PrivvalError } from '../src/errors.js';
import { defaultMaxMessageBytes, FrameDecoder, frame } from '../src/framing.js';

const code = (expected: PrivvalCode) => (error: unknown) =>
  error instanceof PrivvalError && error.code === expected;

function takeAll(decoder: FrameDecoder): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let next = decoder.next(); next !== undefined; next = decoder.next()) messages.push(next);
  return messages;
}

test('any messages, cut anywhere, come out whole and in order', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 12 });
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(messages, cuts, (sent, sizes) => {
      const stream = Buffer.concat(sent.map(frame));
      const decoder = new FrameDecoder(400);
      const received: Uint8Array[] = [];
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        decoder.push(stream.subarray(at, at + size));
        received.push(...takeAll(decoder));
        at += size;
      }
      assert.deepEqual(received, sent);
      decoder.finish();
    }),
  );
});

test('messages that wait untaken are all kept', () => {
  const decoder = new FrameDecoder();
  const sent = Array.from({ length: 300 }, (_, i) => new Uint8Array(i).fill(i));
  for (const message of sent) decoder.push(frame(message));
  assert.deepEqual(takeAll(decoder), sent);
});

test('a taken message is a copy: the bytes that reuse its place do not change it', () => {
  const decoder = new FrameDecoder();
  decoder.push(frame(Uint8Array.of(1, 2, 3)));
  const taken = decoder.next();
  for (let i = 0; i < 2000; i++) {
    decoder.push(frame(Uint8Array.of(9, 9, 9)));
    decoder.next();
  }
  assert.deepEqual(taken, Uint8Array.of(1, 2, 3));
});

test('the default limit takes the largest vote extension of CometBFT 0.40', () => {
  const largest = new Uint8Array(1_056_218);
  const decoder = new FrameDecoder();
  decoder.push(frame(largest));
  assert.equal(decoder.next()?.length, largest.length);
  assert.equal(defaultMaxMessageBytes, 2_097_152);
});

const defects: readonly (readonly [why: string, hex: string, error: PrivvalCode])[] = [
  ['one byte above the limit', '6500', 'PRIVVAL_OVERSIZE'],
  ['a length above the limit, before its prefix has ended', 'ffff', 'PRIVVAL_OVERSIZE'],
  ['a length of 2^32, which must not wrap to 0', '8080808010', 'PRIVVAL_OVERSIZE'],
  ['a length of 2^63', '80808080808080808080', 'PRIVVAL_VARINT'],
  ['a prefix that never ends', '8080808080808080808080', 'PRIVVAL_VARINT'],
];
for (const [why, hex, error] of defects) {
  test(`${error}: ${why}`, () => {
    const decoder = new FrameDecoder(100);
    decoder.push(Buffer.from(hex, 'hex'));
    assert.throws(() => decoder.next(), code(error));
  });
}

test('a prefix with needless zero groups is read as Go reads it', () => {
  const decoder = new FrameDecoder(100);
  decoder.push(Buffer.from('828000abcd', 'hex'));
  assert.deepEqual(decoder.next(), Uint8Array.of(0xab, 0xcd));
});

test('a message of no bytes is a message', () => {
  const decoder = new FrameDecoder();
  decoder.push(Uint8Array.of(0));
  assert.deepEqual(decoder.next(), new Uint8Array(0));
  assert.equal(decoder.next(), undefined);
});

for (const [why, hex] of [
  ['inside a prefix', '80'],
  ['inside a body', '05aabb'],
]) {
  test(`PRIVVAL_TRUNCATED: the stream ends ${why}`, () => {
    const decoder = new FrameDecoder();
    decoder.push(Buffer.from(hex ?? '', 'hex'));
    assert.equal(decoder.next(), undefined);
    assert.throws(() => decoder.finish(), code('PRIVVAL_TRUNCATED'));
  });
}
