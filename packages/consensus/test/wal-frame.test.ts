/** The layout on disk: what is written is read back, and each sector says by itself what it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BLOCK_BYTES,
  encodeFrame,
  isBlank,
  NO_HASH,
  readFrame,
  readSector,
  SECTOR_BYTES,
  sectorsOf,
} from '../src/wal/frame.js';

const sequence = fc.integer({ min: 1, max: 2 ** 48 - 1 });
// Around the borders of sectors and blocks, all zero bytes included.
const payload = fc
  .oneof(fc.nat(1200), fc.integer({ min: 3900, max: 4100 }), fc.nat(9000))
  .chain((length) => fc.constantFrom(0, 1, 255).map((byte) => new Uint8Array(length).fill(byte)));

test('a frame is read back from any place, and fills whole blocks', () => {
  fc.assert(
    fc.property(sequence, payload, fc.nat(3), (number, bytes, block) => {
      const previous = Buffer.alloc(16, 9);
      const written = encodeFrame({ kind: 'batches', sequence: number, previous, payload: bytes });
      assert.equal(written.bytes.length % BLOCK_BYTES, 0);
      assert.equal(written.bytes.length, sectorsOf(bytes.length) * SECTOR_BYTES);
      const disk = Buffer.concat([Buffer.alloc(block * BLOCK_BYTES), written.bytes]);
      const lead = readSector(disk, block * BLOCK_BYTES);
      assert.ok(lead.kind === 'written');
      const read = readFrame(disk, block * BLOCK_BYTES, lead.stamp);
      assert.ok(read.kind === 'frame');
      assert.deepEqual(read.hash, written.hash);
      assert.equal(read.frame.sequence, number);
      assert.deepEqual(read.frame.previous, previous);
      assert.deepEqual(new Uint8Array(read.frame.payload), bytes);
    }),
  );
});

test('no written sector is blank, whatever the payload, so that a tear can be seen', () => {
  const { bytes } = encodeFrame({
    kind: 'state',
    sequence: 1,
    previous: NO_HASH,
    payload: new Uint8Array(10_000),
  });
  for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
    const sector = readSector(bytes, at);
    assert.ok(sector.kind === 'written');
    const { number, count } = sector.stamp;
    assert.deepEqual([number, count], [at / SECTOR_BYTES, bytes.length / SECTOR_BYTES]);
  }
});

test('a blank sector is one of zeros alone', () => {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  assert.equal(readSector(bytes, 0).kind, 'blank');
  assert.ok(isBlank(bytes, 0, bytes.length));
  for (const at of [0, 3, 4, 300, 511]) {
    bytes[at] = 1;
    assert.equal(readSector(bytes, 0).kind, 'damaged');
    assert.ok(!isBlank(bytes, 0, bytes.length));
    bytes[at] = 0;
  }
});

test('sectors that pass each for itself, from two frames, do not make a frame', () => {
  const one = (byte: number): Buffer =>
    encodeFrame({
      kind: 'batches',
      sequence: 5,
      previous: NO_HASH,
      payload: new Uint8Array(3000).fill(byte),
    }).bytes;
  const mixed = Buffer.concat([one(1).subarray(0, 1024), one(2).subarray(1024)]);
  const lead = readSector(mixed, 0);
  assert.ok(lead.kind === 'written');
  assert.equal(readFrame(mixed, 0, lead.stamp).kind, 'damaged');
});
