/**
 * Logs of several segments and of frames of several blocks, at each moment of their life: every single bit flipped,
 * cut at every byte, blank from every byte on. Recovery refuses wherever a file that counts was touched, or gives
 * exactly what was written and no less than was acknowledged.
 * Slow: run by name, `node --test dist/test/wal-fuzz.slow.js`.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { LogBatch } from '../src/storage.js';
import { SECTOR_BYTES } from '../src/wal/frame.js';
import { type SegmentBytes, scanSegment } from '../src/wal/scan.js';
import { command, diskOf, founding, SMALL_SEGMENT, segmentsOn, statesOf } from './log-samples.js';
import { flippingEach, judge } from './wal-damage.js';

/** The fifth call finds no room and begins a new segment, with a state of two blocks. */
const calls: readonly (readonly LogBatch[])[] = [
  [founding],
  [command(1, 1, 'x'.repeat(4500)), { hard: { term: 1, votedFor: 'aa' } }],
  [command(2, 1)],
  [command(3, 1)],
  [command(4, 2), { hard: { term: 2, votedFor: null } }],
  [command(5, 2, 'y'.repeat(5000))],
];

// Some million refusals follow: their stacks would cost more than the reading.
Error.stackTraceLimit = 0;

interface Moment {
  readonly says: string;
  readonly segments: readonly SegmentBytes[];
  /** Calls, whose answers were given; and how many are found, where nothing is damaged. */
  readonly acknowledged: number;
  readonly found: number;
  /** Segments that a newer one has replaced. */
  readonly rubbish: readonly string[];
}

let judged: ReturnType<typeof judge>;
let moments: readonly Moment[];

/** The last frame of a segment with some sectors of it never written. */
function torn(segment: SegmentBytes, keeps: (sector: number, of: number) => boolean): SegmentBytes {
  const last = scanSegment(segment).frames.at(-1);
  assert.ok(last !== undefined);
  const bytes = Buffer.from(segment.bytes);
  const count = (last.end - last.offset) / SECTOR_BYTES;
  for (let sector = 0; sector < count; sector += 1) {
    const at = last.offset + sector * SECTOR_BYTES;
    if (!keeps(sector, count)) bytes.fill(0, at, at + SECTOR_BYTES);
  }
  return { ...segment, bytes };
}

before(async () => {
  judged = judge(await statesOf(calls));
  const after = await Promise.all(
    calls.map(async (_, at) => segmentsOn(await diskOf(calls.slice(0, at + 1), SMALL_SEGMENT))),
  );
  const framesIn = (segment: SegmentBytes | undefined): number =>
    segment === undefined ? 0 : scanSegment(segment).frames.length;
  const rolls = after.findIndex((segments, at) => {
    return at > 1 && framesIn(segments[0]) === 1 && framesIn(after[at - 1]?.[0]) > 1;
  });
  const [[old], [rolled], last] = [after[rolls - 1] ?? [], after[rolls] ?? [], after.at(-1) ?? []];
  const [ended] = last;
  assert.ok(old !== undefined && rolled !== undefined && ended !== undefined);
  assert.ok(rolled.number === old.number + 1 && ended.number === rolled.number, 'one roll');
  const whole = { acknowledged: calls.length, found: calls.length, rubbish: [] };
  const early = { acknowledged: rolls, found: rolls, rubbish: [] };
  moments = [
    { says: 'a clean stop', segments: last, ...whole },
    {
      says: 'the new segment has its state, and the old one is not removed yet',
      segments: [old, rolled],
      ...{ acknowledged: rolls + 1, found: rolls + 1, rubbish: [old.name] },
    },
    {
      says: 'the state of the new segment was under way',
      segments: [old, torn(rolled, (sector, of) => sector % 3 !== 1 && sector < of - 2)],
      ...early,
    },
    {
      says: 'a frame of two blocks was under way, its beginning is missing',
      segments: [torn(ended, (sector) => sector > 2), ...last.slice(1)],
      ...whole,
      ...{ acknowledged: calls.length - 1, found: calls.length - 1 },
    },
  ];
});

/** Each file of each moment, in turn, as bytes that may be changed. */
function eachFile(
  look: (
    moment: Moment,
    bytes: Buffer,
    outcome: (bytes?: Buffer, noted?: number) => number | null,
    counts: boolean,
  ) => void,
): void {
  let looked = 0;
  for (const moment of moments) {
    const { segments, acknowledged, found, rubbish } = moment;
    assert.equal(judged(segments, acknowledged), found, moment.says);
    for (const segment of segments) {
      const changed = Buffer.from(segment.bytes);
      const outcome = (bytes: Buffer = changed, noted = acknowledged): number | null =>
        judged(
          segments.map((each) => (each === segment ? { ...each, bytes } : each)),
          acknowledged,
          noted,
        );
      look(moment, changed, outcome, !rubbish.includes(segment.name));
      looked += 1;
    }
  }
  assert.ok(looked >= 7, `${looked} files`);
}

test('every single bit of every segment', () => {
  eachFile(({ says, found }, bytes, outcome, counts) => {
    flippingEach(bytes, 0, bytes.length, (bit) => {
      // The note may not have been written: what refuses is the segment itself.
      assert.equal(outcome(bytes, 0), counts ? null : found, `${says}: bit ${bit}`);
    });
  });
});

test('every truncation of every segment', () => {
  eachFile(({ says, found }, bytes, outcome, counts) => {
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = bytes.subarray(0, length);
      assert.equal(outcome(cut, 0), counts ? null : found, `${says}: ${length} bytes`);
    }
  });
});

test('every segment blank from every byte on', () => {
  const seen = new Set<string>();
  eachFile(({ found }, bytes, outcome, counts) => {
    for (let from = bytes.length - 1; from >= 0; from -= 1) {
      bytes[from] = 0;
      const calls = outcome();
      if (!counts) assert.equal(calls, found);
      seen.add(calls === null ? 'refused' : 'found');
    }
  });
  assert.deepEqual([...seen].sort(), ['found', 'refused']);
});
