/**
 * What the segments on disk allow us to believe. Pure over bytes.
 *
 * Owns    the decision: use the log, cut a torn tail and use it, or refuse to vote; and the state that
 *         results. The decision is a table, walked whole by its test.
 * Never   repairs anything, and never guesses: what is not provably the unacknowledged last write is
 *         damage (raft.md rule 52). A voter that forgets may vote twice.
 * Proof   test/wal-recovery.test.ts (every combination of facts), test/wal-fuzz.test.ts (every bit).
 *
 * Three orders, kept by wal.ts, make the proof possible:
 *   1  One frame is written at a time. A written sector of frame n proves that n - 1 was durable.
 *   2  Every segment begins with a frame that holds the whole state, so only the newest segment that
 *      has one is needed (the anchor), and what is older is rubbish.
 *   3  Segment k + 1 is created only after the first frame of segment k is durable.
 * So behind the anchor there can be one blank segment, or one whose first frame was being written.
 */
import { invariant } from '@cometkms/invariant';
import { ConsensusError } from '../errors.js';
import { decodeBatches } from '../log-codec.js';
import { FORMAT_VERSION, NO_HASH } from './frame.js';
import { applyBatch, emptyState, type LogState } from './log-state.js';
import { type SegmentBytes, type SegmentScan, scanSegment, type WholeFrame } from './scan.js';

/** All that the decision looks at. "The segments" are the anchor and what is newer; all, if there is none. */
export interface Facts {
  /** Every segment and frame is of a version that this program knows. */
  readonly understood: boolean;
  /** Every segment has its head, its number and its length. */
  readonly headsGood: boolean;
  /** Some sector is neither blank nor written in its place, or a whole frame breaks hash or chain. */
  readonly damaged: boolean;
  /** The whole frames reach as far as the durable note says that acknowledged ones did. */
  readonly reachesNote: boolean;
  /** A segment exists whose creation proves that a frame was durable which is not there (order 3). */
  readonly outlived: boolean;
  /** `torn`: the frame due next, with nothing behind it. `buried`: something is. `stray`: not the one due. */
  readonly tail: 'blank' | 'torn' | 'buried' | 'stray';
  /** There is an anchor. */
  readonly founded: boolean;
}

export type Decision = 'use' | 'cut' | 'refuse' | 'refuseVersion';

export interface Row {
  readonly label: string;
  readonly when: Partial<Facts>;
  readonly decision: Decision;
  /** How a disk comes to look like this, and why the decision is safe. */
  readonly because: string;
}

const sound = { understood: true, headsGood: true, damaged: false } as const;
const complete = { ...sound, reachesNote: true, outlived: false } as const;

/** Every combination of facts meets exactly one row. */
export const recoveryTable: readonly Row[] = [
  {
    label: 'later-version',
    when: { understood: false },
    decision: 'refuseVersion',
    because: 'a later program wrote here; what it promised in ways that we cannot read still binds',
  },
  {
    label: 'misplaced-segment',
    when: { understood: true, headsGood: false },
    decision: 'refuse',
    because:
      'a segment was cut, copied, renamed or damaged; heads are synced before the file gets its name',
  },
  {
    label: 'damaged-record',
    when: { understood: true, headsGood: true, damaged: true },
    decision: 'refuse',
    because:
      'a tear leaves sectors blank or whole; anything else happened to what may be acknowledged',
  },
  {
    label: 'forgotten',
    when: { ...sound, reachesNote: false },
    decision: 'refuse',
    because:
      'the note was written after these frames were acknowledged; the disk has lost what it had synced',
  },
  {
    label: 'outlived',
    when: { ...sound, reachesNote: true, outlived: true },
    decision: 'refuse',
    because:
      'a segment is created only after the first frame of the one before is durable, and that frame is gone',
  },
  {
    label: 'buried',
    when: { ...complete, tail: 'buried' },
    decision: 'refuse',
    because: 'what was written behind the torn frame proves that it had once been durable',
  },
  {
    label: 'stray',
    when: { ...complete, tail: 'stray' },
    decision: 'refuse',
    because: 'the torn frame is not the next one, so frames before it are missing',
  },
  {
    label: 'torn-tail',
    when: { ...complete, tail: 'torn', founded: true },
    decision: 'cut',
    because:
      'blank sectors but no damaged one, nothing behind, nothing noted: its write was under way',
  },
  {
    label: 'torn-founding',
    when: { ...complete, tail: 'torn', founded: false },
    decision: 'cut',
    because: 'the very first frame was under way, so nothing was ever acknowledged here',
  },
  {
    label: 'clean',
    when: { ...complete, tail: 'blank', founded: true },
    decision: 'use',
    because: 'whole frames, then nothing',
  },
  {
    label: 'never-founded',
    when: { ...complete, tail: 'blank', founded: false },
    decision: 'use',
    because:
      'no segment, or the first one without a trace of a frame: nothing was ever acknowledged',
  },
];

const meets = (facts: Facts, when: Partial<Facts>): boolean =>
  (Object.keys(when) as (keyof Facts)[]).every((fact) => facts[fact] === when[fact]);

export function decideRecovery(facts: Facts): Row {
  const rows = recoveryTable.filter((row) => meets(facts, row.when));
  const [row] = rows;
  invariant(rows.length === 1 && row !== undefined, 'every combination meets one row', { facts });
  return row;
}

/** Where the log goes on. */
export interface Position {
  readonly segment: number;
  /** Where the last whole frame begins, and where it ends. */
  readonly lastFrameAt: number;
  readonly offset: number;
  readonly sequence: number;
  readonly hash: Buffer;
}

export interface Recovered {
  readonly row: Row;
  readonly state: LogState;
  /** null: the log was never founded. */
  readonly end: Position | null;
  /** To be blank again, and synced, before anything is written (an old torn sector must never be read as new). */
  readonly cut: { readonly name: string; readonly from: number; readonly to: number } | null;
}

/**
 * @param segments all that are in the directory, in any order
 * @param noted    the sequence that the durable note says was acknowledged; 0 where there is none
 * @param where    names the directory, for errors
 * @throws ConsensusError CONSENSUS_LOG_DAMAGED, CONSENSUS_LOG_VERSION, CONSENSUS_RECORD_UNKNOWN
 */
export function recover(
  segments: readonly SegmentBytes[],
  noted: number,
  where: string,
): Recovered {
  const scans = segments.map(scanSegment).sort((a, b) => a.number - b.number);
  const anchor = scans.findLast((scan) => scan.frames.length > 0);
  const needed = scans.slice(anchor === undefined ? 0 : scans.indexOf(anchor));
  const row = decideRecovery(factsOf(needed, anchor, noted));
  if (row.decision === 'refuseVersion') throw version(needed, where);
  if (row.decision === 'refuse') throw damage(needed, row, noted, where);
  const torn = needed.find((scan) => scan.tail.kind === 'torn');
  return {
    row,
    state: replay(anchor, where),
    end: anchor === undefined ? null : endOf(anchor),
    cut:
      row.decision === 'cut' && torn?.tail.kind === 'torn'
        ? { name: torn.name, from: torn.tail.at, to: torn.tail.end }
        : null,
  };
}

function lastOf(anchor: SegmentScan | undefined): { sequence: number; hash: Buffer } {
  const last = anchor?.frames.at(-1);
  return { sequence: last?.frame.sequence ?? 0, hash: last?.hash ?? NO_HASH };
}

function endOf(anchor: SegmentScan): Position {
  const last = anchor.frames.at(-1);
  invariant(last !== undefined, 'an anchor has a frame', { name: anchor.name });
  const { offset: lastFrameAt, end: offset } = last;
  return { segment: anchor.number, lastFrameAt, offset, ...lastOf(anchor) };
}

function factsOf(
  needed: readonly SegmentScan[],
  anchor: SegmentScan | undefined,
  noted: number,
): Facts {
  const last = lastOf(anchor).sequence;
  // Nothing was durable in the segment that comes next, so nothing beyond it can have been created.
  const blankOrTorn = anchor === undefined ? 1 : anchor.number + 1;
  return {
    understood: needed.every(
      ({ head, tail }) => head.kind !== 'unknown' && tail.kind !== 'unknown',
    ),
    headsGood: needed.every(({ head }) => head.kind !== 'bad'),
    damaged: needed.some(({ tail }) => tail.kind === 'damaged'),
    reachesNote: noted <= last,
    outlived: needed.some(({ number }) => number > blankOrTorn),
    tail: tailOf(needed, last),
    founded: anchor !== undefined,
  };
}

function tailOf(needed: readonly SegmentScan[], last: number): Facts['tail'] {
  const torn = needed.flatMap(({ tail }) => (tail.kind === 'torn' ? [tail] : []));
  const [first] = torn;
  if (first === undefined) return 'blank';
  if (torn.length > 1 || first.buried) return 'buried';
  return first.sequence === last + 1 ? 'torn' : 'stray';
}

/** Applies the anchor's frames. What passed its hash and yet makes no sense is damage all the same. */
function replay(anchor: SegmentScan | undefined, where: string): LogState {
  const state = emptyState();
  for (const whole of anchor?.frames ?? []) {
    const place = { path: `${where}/${anchor?.name}`, offset: whole.offset };
    const broken = applyFrame(state, whole, place);
    if (broken !== null)
      throw new ConsensusError('CONSENSUS_LOG_DAMAGED', { ...place, detail: broken });
  }
  return state;
}

function applyFrame(
  state: LogState,
  { frame }: WholeFrame,
  place: { path: string; offset: number },
): string | null {
  try {
    for (const batch of decodeBatches(frame.payload)) {
      const broken = applyBatch(state, batch);
      if (broken !== null) return `frame ${frame.sequence} breaks a rule: ${broken}`;
    }
    return null;
  } catch (error) {
    if (!(error instanceof ConsensusError)) throw error;
    if (error.code === 'CONSENSUS_RECORD_MALFORMED')
      return `frame ${frame.sequence}: ${error.message}`;
    const detail = `${place.path}, frame ${frame.sequence}: ${error.message}`;
    throw new ConsensusError('CONSENSUS_RECORD_UNKNOWN', { detail }, { cause: error });
  }
}

function version(needed: readonly SegmentScan[], where: string): ConsensusError {
  for (const { name, head, tail } of needed) {
    const unknown = head.kind === 'unknown' ? head : tail;
    if (unknown.kind !== 'unknown') continue;
    return new ConsensusError('CONSENSUS_LOG_VERSION', {
      path: `${where}/${name}`,
      found: unknown.version,
      known: FORMAT_VERSION,
    });
  }
  invariant(false, 'an unknown version was found somewhere');
}

/** Names the first place that is not as it should be; the newest segment's end where none stands out. */
function damage(
  needed: readonly SegmentScan[],
  row: Row,
  noted: number,
  where: string,
): ConsensusError {
  const bad = needed.find(({ head }) => head.kind === 'bad');
  const worst =
    bad ??
    needed.find(({ tail }) => tail.kind === 'damaged') ??
    needed.find(({ tail }) => tail.kind === 'torn') ??
    needed.at(-1);
  const what =
    bad?.head.kind === 'bad'
      ? bad.head.detail
      : worst?.tail.kind === 'damaged'
        ? worst.tail.detail
        : `frames up to ${lastOf(needed[0]).sequence} are whole, ${noted} was noted as durable`;
  return new ConsensusError('CONSENSUS_LOG_DAMAGED', {
    path: worst === undefined ? where : `${where}/${worst.name}`,
    offset: bad === undefined ? (worst?.tail.at ?? 0) : 0,
    detail: `${what} (${row.label}: ${row.because})`,
  });
}
