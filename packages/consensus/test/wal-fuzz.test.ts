/**
 * A small log, damaged in every way that one hand can: recovery refuses, or gives exactly what was
 * written up to some frame that includes all acknowledged ones. Never a wrong record, never a silent loss.
 * Several segments and long frames: wal-fuzz.slow.ts.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { LogBatch } from '../src/storage.js';
import { BLOCK_BYTES, SECTOR_BYTES } from '../src/wal/frame.js';
import type { SegmentBytes } from '../src/wal/scan.js';
import { command, diskOf, founding, segmentsOn, statesOf } from './log-samples.js';
import { flippingEach, judge } from './wal-damage.js';

/** Four frames of one block each, and behind them one block that is blank. */
const calls: readonly (readonly LogBatch[])[] = [
  [founding],
  [command(1), { hard: { term: 3, votedFor: 'aa' } }],
  [command(2, 3)],
  [{ truncateFrom: 2, entries: command(2, 4).entries ?? [] }],
];
const SIZE = 6 * BLOCK_BYTES;

// Some 300,000 refusals follow: their stacks would cost more than the reading.
Error.stackTraceLimit = 0;

let judged: ReturnType<typeof judge>;
let whole: SegmentBytes;

before(async () => {
  judged = judge(await statesOf(calls));
  const [segment] = segmentsOn(await diskOf(calls, SIZE));
  assert.ok(segment !== undefined);
  whole = segment;
  assert.equal(outcomeOf(segment.bytes, 4), 4);
});

function outcomeOf(bytes: Buffer, acknowledged: number): number | null {
  return judged([{ ...whole, bytes }], acknowledged);
}

test('every single flipped bit is refused, wherever it is, blank blocks included', () => {
  const bytes = Buffer.from(whole.bytes);
  flippingEach(bytes, 0, bytes.length, (bit) => {
    assert.equal(outcomeOf(bytes, 0), null, `bit ${bit}`);
  });
});

test('every single flipped bit in a torn frame is refused', () => {
  const from = 4 * BLOCK_BYTES;
  const bytes = Buffer.from(whole.bytes).fill(0, from + 3 * SECTOR_BYTES, from + BLOCK_BYTES);
  assert.equal(outcomeOf(bytes, 3), 3);
  flippingEach(bytes, from, from + BLOCK_BYTES, (bit) => {
    assert.equal(outcomeOf(bytes, 3), null, `bit ${bit}`);
  });
});

test('a file that was cut at any byte is refused', () => {
  for (let length = 0; length < SIZE; length += 1) {
    assert.equal(outcomeOf(whole.bytes.subarray(0, length), 0), null, `${length} bytes`);
  }
});

test('blank from any byte on: what was noted is there, or recovery refuses', () => {
  for (let noted = 0; noted <= calls.length; noted += 1) {
    // The frames that had not been written yet are blank; the one after the noted one was under way.
    const upTo = Math.min(noted + 1, calls.length);
    // What lies further back than the noted frame is walked in smaller samples.
    const near = noted * BLOCK_BYTES;
    for (let from = 0; from <= (upTo + 1) * BLOCK_BYTES; from += from < near ? 128 : 1) {
      const bytes = Buffer.from(whole.bytes).fill(0, from);
      const found = outcomeOf(bytes, noted);
      const why = `${noted} noted, blank from ${from}`;
      // A frame may end in zeros: what counts is whether its bytes are still the same.
      const same = (frames: number): boolean =>
        bytes.compare(whole.bytes, 0, (frames + 1) * BLOCK_BYTES, 0, (frames + 1) * BLOCK_BYTES) ===
        0;
      if (!same(noted)) assert.equal(found, null, why);
      else if (same(upTo)) assert.equal(found, upTo, why);
      // A tear between sectors is the one thing that may be cut; within one it is damage.
      else if (from % SECTOR_BYTES === 0) assert.equal(found, noted, why);
      else assert.ok(found === null || found === noted, why);
    }
  }
});

test('the frame under way with every subset of its sectors: cut, or whole', () => {
  const sectors = BLOCK_BYTES / SECTOR_BYTES;
  for (let subset = 0; subset < 1 << sectors; subset += 1) {
    const bytes = Buffer.from(whole.bytes);
    for (let sector = 0; sector < sectors; sector += 1) {
      const at = 4 * BLOCK_BYTES + sector * SECTOR_BYTES;
      if ((subset & (1 << sector)) === 0) bytes.fill(0, at, at + SECTOR_BYTES);
    }
    assert.equal(outcomeOf(bytes, 3), subset === (1 << sectors) - 1 ? 4 : 3, `subset ${subset}`);
    // The same sight, when the frame had been acknowledged and the note tells.
    assert.equal(outcomeOf(bytes, 4), subset === (1 << sectors) - 1 ? 4 : null);
  }
});

test('any subset of sectors blank, anywhere: never a state that was not, never less than noted', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(SIZE / SECTOR_BYTES - 1)), fc.nat(4), (sectors, noted) => {
      const bytes = Buffer.from(whole.bytes);
      for (const sector of sectors)
        bytes.fill(0, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
      outcomeOf(bytes, noted);
    }),
    { numRuns: 2000 },
  );
});

test('blocks exchanged, repeated or taken from an older state of the file are refused', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.nat(5), (to, from) => {
      const bytes = Buffer.from(whole.bytes);
      whole.bytes.copy(bytes, to * BLOCK_BYTES, from * BLOCK_BYTES, (from + 1) * BLOCK_BYTES);
      const changed = !bytes.equals(whole.bytes);
      // The note is what tells a last frame that became blank from one that was never written.
      assert.equal(outcomeOf(bytes, 4), changed ? null : 4, `${from} to ${to}`);
    }),
    { numRuns: 200 },
  );
});

test('a frame of another log, whole in itself and in its place, breaks the chain', async () => {
  for (let at = 1; at < calls.length; at += 1) {
    const others = calls.map((call, index) =>
      index === at - 1 ? [...call, { hard: { term: 9, votedFor: null } }] : call,
    );
    const [other] = segmentsOn(await diskOf(others, SIZE));
    const bytes = Buffer.from(whole.bytes);
    const block = (at + 1) * BLOCK_BYTES;
    other?.bytes.copy(bytes, block, block, block + BLOCK_BYTES);
    assert.equal(outcomeOf(bytes, 0), null, `frame ${at + 1}`);
  }
});
