/**
 * The decision of recovery: every combination of facts against an oracle of its own, and each row once
 * more on the bytes of a log that looks like that.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { onViolation } from '@cometkms/invariant';
import { ConsensusError } from '../src/errors.js';
import { encodeBatches } from '../src/log-codec.js';
import { BLOCK_BYTES, encodeFrame, NO_HASH, SECTOR_BYTES } from '../src/wal/frame.js';
import { decideRecovery, type Facts, recover, recoveryTable } from '../src/wal/recovery.js';
import { encodeHead, type SegmentBytes } from '../src/wal/scan.js';
import { readName, segmentName } from '../src/wal/segments.js';
import { command, diskOf, founding, script, segmentsOn, statesOf } from './log-samples.js';

// ----------------------------------------------------------------------------- the table

const values: { readonly [F in keyof Facts]: readonly Facts[F][] } = {
  understood: [true, false],
  headsGood: [true, false],
  damaged: [true, false],
  reachesNote: [true, false],
  outlived: [true, false],
  tail: ['blank', 'torn', 'buried', 'stray'],
  founded: [true, false],
};

function everyCombination(): Facts[] {
  let all: Record<string, unknown>[] = [{}];
  for (const [fact, options] of Object.entries(values)) {
    all = all.flatMap((facts) => options.map((value: unknown) => ({ ...facts, [fact]: value })));
  }
  return all as unknown as Facts[];
}

/** In words: use only what nothing speaks against; cut only a tear at the end; else refuse. */
function oracle(facts: Facts): string {
  if (!facts.understood) return 'refuseVersion';
  const objections = [
    !facts.headsGood,
    facts.damaged,
    !facts.reachesNote,
    facts.outlived,
    facts.tail === 'buried',
    facts.tail === 'stray',
  ];
  if (objections.includes(true)) return 'refuse';
  return facts.tail === 'torn' ? 'cut' : 'use';
}

test('every combination of facts meets exactly one row, and gets the decision it must', () => {
  const combinations = everyCombination();
  assert.equal(combinations.length, 256);
  const met = new Set<string>();
  for (const facts of combinations) {
    const matching = recoveryTable.filter((row) =>
      Object.entries(row.when).every(([fact, value]) => facts[fact as keyof Facts] === value),
    );
    assert.equal(matching.length, 1, JSON.stringify(facts));
    assert.equal(decideRecovery(facts).decision, oracle(facts), JSON.stringify(facts));
    met.add(decideRecovery(facts).label);
  }
  assert.deepEqual([...met].sort(), recoveryTable.map(({ label }) => label).sort());
});

test('facts of which no row knows end the process', () => {
  const restore = onViolation((violation) => {
    throw violation;
  });
  try {
    const good = everyCombination().find((facts) => decideRecovery(facts).label === 'clean');
    const facts = { ...good, tail: 'other' } as unknown as Facts;
    assert.throws(() => decideRecovery(facts), /meets one row/);
  } finally {
    restore();
  }
});

// ----------------------------------------------------------------------------- real bytes

const WIDE = 64 * 1024;
const state = (sequence: number, words: string) =>
  encodeFrame({
    kind: 'state',
    sequence,
    previous: NO_HASH,
    payload: encodeBatches([founding, command(1, 1, words)]),
  }).bytes;

/** A segment of `size` bytes with these frames behind its head. */
function segment(number: number, frames: readonly Buffer[] = [], size = 32 * 1024): SegmentBytes {
  const bytes = Buffer.alloc(size);
  Buffer.concat([encodeHead(number, size), ...frames]).copy(bytes);
  return { name: segmentName(number), number, bytes };
}

/** Two chained frames after a state: sequences 2 and 3. */
function chain(): Buffer[] {
  const payload = encodeBatches([founding]);
  const frames = [encodeFrame({ kind: 'state', sequence: 1, previous: NO_HASH, payload })];
  for (const sequence of [2, 3]) {
    const previous = frames.at(-1)?.hash ?? NO_HASH;
    const batch = encodeBatches([command(sequence - 1)]);
    frames.push(encodeFrame({ kind: 'batches', sequence, previous, payload: batch }));
  }
  return frames.map(({ bytes }) => bytes);
}

/** The frame with its sectors from `from` up to `to` never written. */
function torn(frame: Buffer, from: number, to: number): Buffer {
  return Buffer.from(frame).fill(0, from * SECTOR_BYTES, to * SECTOR_BYTES);
}

/** A frame with 12 bytes of payload as a later version would write it: all its checksums are right. */
function later(frame: Buffer): Buffer {
  const bytes = Buffer.from(frame);
  bytes.writeUInt16BE(2, 20);
  createHash('sha256')
    .update(bytes.subarray(16, 50))
    .update(bytes.subarray(66, 78))
    .digest()
    .copy(bytes, 50, 0, 16);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, SECTOR_BYTES)), 0);
  return bytes;
}

const [first, second, third] = chain() as [Buffer, Buffer, Buffer];
const twelve = encodeFrame({
  kind: 'batches',
  sequence: 2,
  previous: NO_HASH,
  payload: Buffer.alloc(12),
}).bytes;
const blank = Buffer.alloc(BLOCK_BYTES);
const flipped = (frame: Buffer): Buffer => {
  const bytes = Buffer.from(frame);
  bytes.writeUInt8((bytes[700] ?? 0) ^ 4, 700);
  return bytes;
};

interface Sight {
  readonly label: string;
  readonly why: string;
  readonly segments: readonly SegmentBytes[];
  readonly noted?: number;
  /** How many entries the log is left with, where it is used. */
  readonly entries?: number;
  /** What becomes blank again: of which segment, from, to. */
  readonly cut?: readonly [segment: number, from: number, to: number];
  /** Where an operator is sent, where it is refused: which segment (0: the directory), and what is wrong there. */
  readonly at?: readonly [segment: number, offset: number, words: string];
}

const sights: readonly Sight[] = [
  { label: 'never-founded', why: 'an empty directory', segments: [], entries: 0 },
  {
    label: 'never-founded',
    why: 'the first segment was made, and nothing written to it',
    segments: [segment(1)],
    entries: 0,
  },
  {
    label: 'torn-founding',
    why: 'the first frame was under way',
    segments: [segment(1, [torn(first, 2, 8)])],
    entries: 0,
    cut: [1, 4096, 8192],
  },
  { label: 'clean', why: 'whole frames', segments: [segment(1, chain())], entries: 2 },
  {
    label: 'clean',
    why: 'whole frames, and a spare behind them',
    segments: [segment(1, chain()), segment(2)],
    noted: 3,
    entries: 2,
  },
  {
    label: 'clean',
    why: 'an older segment that was not deleted in time is not looked at, not even at its damage',
    segments: [segment(1, [flipped(first)]), segment(2, [state(4, 'whole')])],
    entries: 1,
  },
  {
    label: 'torn-tail',
    why: 'the end of the last frame is blank',
    segments: [segment(1, [first, second, torn(third, 3, 8)]), segment(2)],
    noted: 2,
    entries: 1,
    cut: [1, 12288, 16384],
  },
  {
    label: 'torn-tail',
    why: 'the beginning of the last frame is blank',
    segments: [segment(1, [first, second, torn(third, 0, 7)])],
    entries: 1,
    cut: [1, 12288, 16384],
  },
  {
    label: 'torn-tail',
    why: 'the first frame of the next segment was under way',
    segments: [segment(1, chain()), segment(2, [torn(state(4, 'new'), 1, 2)])],
    noted: 3,
    entries: 2,
    cut: [2, 4096, 8192],
  },
  {
    label: 'later-version',
    why: 'a later program made the newest segment',
    segments: [
      segment(1, chain()),
      { ...segment(2), bytes: Buffer.concat([later(encodeHead(2, 32 * 1024)), blank]) },
    ],
    at: [2, 0, 'version 2'],
  },
  {
    label: 'later-version',
    why: 'a later program wrote a frame',
    segments: [segment(1, [state(1, 'x'), later(twelve)]), segment(2)],
    at: [1, 0, 'version 2'],
  },
  {
    label: 'misplaced-segment',
    why: 'the file was cut',
    segments: [{ ...segment(1, chain()), bytes: segment(1, chain()).bytes.subarray(0, -4096) }],
    at: [1, 0, 'it is 28672 bytes long and was created with 32768'],
  },
  {
    label: 'misplaced-segment',
    why: 'the file is empty',
    segments: [{ ...segment(1), bytes: Buffer.alloc(0) }],
    at: [1, 0, 'it is 0 bytes long'],
  },
  {
    label: 'misplaced-segment',
    why: 'a segment was copied to another name',
    segments: [segment(1, chain()), { ...segment(1, chain()), number: 2, name: segmentName(2) }],
    at: [2, 0, 'it was created as segment 1'],
  },
  {
    label: 'misplaced-segment',
    why: 'the head is blank',
    segments: [{ ...segment(1), bytes: Buffer.alloc(32 * 1024) }],
    at: [1, 0, 'its head is damaged'],
  },
  {
    label: 'misplaced-segment',
    why: 'the head of the first is blank, and a second was made',
    segments: [{ ...segment(1), bytes: Buffer.alloc(32 * 1024) }, segment(2)],
    at: [1, 0, 'its head is damaged'],
  },
  {
    label: 'damaged-record',
    why: 'a bit in the last frame flipped: its sectors are all written',
    segments: [segment(1, [first, second, flipped(third)]), segment(2)],
    at: [1, 12800, 'a sector is damaged'],
  },
  {
    label: 'damaged-record',
    why: 'a bit in the first frame of the next segment flipped',
    segments: [segment(1, chain()), segment(2, [flipped(state(4, 'new'))])],
    at: [2, 4608, 'a sector is damaged'],
  },
  {
    label: 'damaged-record',
    why: 'a torn last frame with a damaged sector is not a mere tear',
    segments: [segment(1, [first, second, torn(flipped(third), 4, 8)])],
    at: [1, 12800, 'a sector is damaged'],
  },
  {
    label: 'damaged-record',
    why: 'a frame in the middle was lost as a whole',
    segments: [segment(1, [first, blank, third])],
    at: [1, 12288, 'a sector is not in its place'],
  },
  {
    label: 'damaged-record',
    why: 'a frame is missing between its neighbours',
    segments: [segment(1, [first, third])],
    at: [1, 8192, 'frame 3 follows frame 1'],
  },
  {
    label: 'damaged-record',
    why: 'a whole frame of another log stands in the middle',
    segments: [
      segment(1, [
        first,
        encodeFrame({
          kind: 'batches',
          sequence: 2,
          previous: Buffer.alloc(16, 1),
          payload: encodeBatches([command(1, 1, 'foreign')]),
        }).bytes,
      ]),
    ],
    at: [1, 8192, 'frame 2 is not chained to the one before it'],
  },
  {
    label: 'damaged-record',
    why: 'an old frame was read behind the newest one',
    segments: [segment(1, [first, second, third, second])],
    at: [1, 16384, 'frame 2 follows frame 3'],
  },
  {
    label: 'damaged-record',
    why: 'a segment begins with batches, though what they follow is gone',
    segments: [segment(1, [second])],
    at: [1, 4096, 'a segment does not begin with the whole state'],
  },
  {
    label: 'forgotten',
    why: 'the last frame is blank as a whole, and was noted',
    segments: [segment(1, [first, second])],
    noted: 3,
    at: [1, 12288, 'frames up to 2 are whole, 3 was noted as durable'],
  },
  {
    label: 'forgotten',
    why: 'the last frame looks torn, and was noted',
    segments: [segment(1, [first, second, torn(third, 3, 8)])],
    noted: 3,
    at: [1, 12288, 'frames up to 2 are whole, 3 was noted as durable'],
  },
  {
    label: 'forgotten',
    why: 'all segments are gone, and a frame was noted',
    segments: [],
    noted: 1,
    at: [0, 0, 'frames up to 0 are whole, 1 was noted as durable'],
  },
  {
    label: 'outlived',
    why: 'the only segment is not the first, and blank',
    segments: [segment(4)],
    at: [4, 4096, 'frames up to 0 are whole, 0 was noted as durable'],
  },
  {
    label: 'outlived',
    why: 'the first segment is blank, and a second was made',
    segments: [segment(1), segment(2)],
    at: [2, 4096, 'frames up to 0 are whole, 0 was noted as durable'],
  },
  {
    label: 'outlived',
    why: 'a state frame is torn, though the segment after it was made',
    segments: [segment(1, chain()), segment(2, [torn(state(4, 'x'), 2, 8)]), segment(3)],
    at: [2, 4096, 'frames up to 3 are whole, 0 was noted as durable'],
  },
  {
    label: 'outlived',
    why: 'the segment between is missing',
    segments: [segment(1, chain()), segment(3)],
    at: [3, 4096, 'frames up to 3 are whole, 0 was noted as durable'],
  },
  {
    label: 'buried',
    why: 'a torn frame with a whole one behind it',
    segments: [segment(1, [first, torn(second, 2, 4), third])],
    at: [1, 8192, 'frames up to 1 are whole, 0 was noted as durable'],
  },
  {
    label: 'buried',
    why: 'a torn frame, and one under way in the next segment',
    segments: [segment(1, [first, torn(second, 2, 4)]), segment(2, [torn(state(3, 'x'), 2, 8)])],
    at: [1, 8192, 'frames up to 1 are whole, 0 was noted as durable'],
  },
  {
    label: 'stray',
    why: 'the next segment was begun after a frame that is gone',
    segments: [segment(1, [first, second]), segment(2, [torn(state(4, 'x'), 2, 8)])],
    at: [2, 4096, 'frames up to 2 are whole, 0 was noted as durable'],
  },
];

const fileOf = (number: number): string => (number === 0 ? 'log' : `log/${segmentName(number)}`);

for (const { label, why, segments, noted = 0, entries, cut, at } of sights) {
  test(`${label}: ${why}`, () => {
    const row = recoveryTable.find((each) => each.label === label);
    assert.ok(row !== undefined);
    // A directory may be listed in any order.
    for (const listed of [segments, [...segments].reverse()]) {
      if (at === undefined) {
        const found = recover(listed, noted, 'log');
        assert.equal(found.row.label, label);
        assert.equal(found.state.entries.length, entries);
        assert.equal(cut !== undefined, row.decision === 'cut');
        const place = cut && { name: segmentName(cut[0]), from: cut[1], to: cut[2] };
        assert.deepEqual(found.cut, place ?? null);
        continue;
      }
      const [number, offset, words] = at;
      const path = fileOf(number);
      const expected =
        row.decision === 'refuseVersion'
          ? { code: 'CONSENSUS_LOG_VERSION', facts: { path, found: 2, known: 1 } }
          : {
              code: 'CONSENSUS_LOG_DAMAGED',
              facts: { path, offset, detail: `${words} (${label}: ${row.because})` },
            };
      assert.throws(() => recover(listed, noted, 'log'), expected);
    }
  });
}

test('each row is seen on real bytes', () => {
  assert.deepEqual(
    [...new Set(sights.map(({ label }) => label))].sort(),
    recoveryTable.map(({ label }) => label).sort(),
  );
});

test('a frame that is whole and chained, and breaks a rule of the log, is damage', () => {
  const bad = (payload: Uint8Array): SegmentBytes =>
    segment(1, [encodeFrame({ kind: 'state', sequence: 1, previous: NO_HASH, payload }).bytes]);
  const rows: readonly (readonly [payload: Uint8Array, words: RegExp])[] = [
    [encodeBatches([founding, command(2)]), /^frame 1 breaks a rule: the log has no holes$/],
    [encodeBatches([command(1)]), /^frame 1 breaks a rule: the first batch .* genesis$/],
    [Buffer.from([200, 1, 2]), /^frame 1: ./],
  ];
  for (const [payload, words] of rows) {
    assert.throws(
      () => recover([bad(payload)], 0, 'log'),
      ({ code, facts }: ConsensusError<'CONSENSUS_LOG_DAMAGED'>) => {
        assert.equal(code, 'CONSENSUS_LOG_DAMAGED');
        assert.deepEqual([facts.path, facts.offset], [fileOf(1), 4096]);
        assert.match(facts.detail, words);
        return true;
      },
    );
  }
});

test('a frame with a record of a later version stops the process, and names the file', () => {
  // A batch of three bytes: a field 20 of which this version knows nothing.
  const payload = Buffer.concat([encodeBatches([founding]), Buffer.from([3, 0xa0, 0x01, 7])]);
  const frame = encodeFrame({
    kind: 'state',
    sequence: 1,
    previous: NO_HASH,
    payload,
  }).bytes;
  assert.throws(
    () => recover([segment(1, [frame])], 0, 'log'),
    (error: unknown) =>
      error instanceof ConsensusError &&
      error.code === 'CONSENSUS_RECORD_UNKNOWN' &&
      error.message.includes('log/0000000001.wal') &&
      error.cause instanceof ConsensusError,
  );
});

test('a log over many segments is recovered from its newest alone', async () => {
  const disk = await diskOf(script);
  const names = disk.names().filter((name) => readName(name).kind === 'segment');
  assert.equal(names.length, 2, names.join());
  assert.ok(Number(names[0]?.slice(0, 10)) > 5, names.join());
  const expected = (await statesOf(script)).at(-1);
  const found = recover(segmentsOn(disk), script.length, 'log');
  assert.deepEqual(found.state.entries, expected?.entries);
  const wide = await diskOf(script, WIDE * 4);
  assert.deepEqual(recover(segmentsOn(wide), 0, 'log').state, found.state);
});
