/** Frames come out of a stream as they went in, however it was cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, framed, frameHeaderBytes } from '../src/transport/framing.js';

function unframe(stream: Uint8Array, cuts: readonly number[], maxFrameBytes: number) {
  const reader = new FrameReader(maxFrameBytes);
  const frames: Uint8Array[] = [];
  let oversized = false;
  const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort(
    (a, b) => a - b,
  );
  let from = 0;
  for (const to of ends) {
    reader.push(stream.subarray(from, to));
    from = to;
    for (let next = reader.next(); next !== null; next = reader.next()) {
      if (next.kind === 'frame') frames.push(Uint8Array.from(next.payload));
      else oversized = true;
    }
  }
  return { frames, oversized };
}

const headerOf = (bytes: number): Uint8Array =>
  framed(Buffer.alloc(bytes)).subarray(0, frameHeaderBytes);

test('any frames, cut anywhere, come out whole and in order', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(payloads, fc.array(fc.nat(), { maxLength: 12 }), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(framed));
      const { frames, oversized } = unframe(stream, cuts, 40);
      assert.equal(oversized, false);
      assert.deepEqual(frames, sent);
    }),
  );
});

test('a length above the bound ends the reading before anything of it is kept', () => {
  const small = Buffer.from('ok');
  const stream = Buffer.concat([framed(small), headerOf(41)]);
  const { frames, oversized } = unframe(stream, [1, 3, 7], 40);
  assert.deepEqual(frames, [Uint8Array.from(small)]);
  assert.ok(oversized);
});

test('after an oversized frame nothing is read any more', () => {
  const reader = new FrameReader(10);
  reader.push(headerOf(11));
  assert.deepEqual(reader.next(), { kind: 'oversized', bytes: 11 });
  reader.push(framed(Buffer.alloc(1)));
  assert.equal(reader.next(), null);
});
