/**
 * One segment's bytes, read into facts. Pure.
 *
 * Owns    what stands in a segment: its head, its whole frames, and how it ends.
 * Never   decides whether that may be used (recovery.ts does), or looks at other segments.
 * Proof   test/wal-recovery.test.ts, test/wal-fuzz.test.ts.
 */
import {
  BLOCK_BYTES,
  encodeFrame,
  type Frame,
  isBlank,
  NO_HASH,
  readFrame,
  readSector,
  SECTOR_BYTES,
} from './frame.js';

/** A segment file as it was read. */
export interface SegmentBytes {
  readonly name: string;
  /** What its name says. */
  readonly number: number;
  readonly bytes: Buffer;
}

export interface WholeFrame {
  readonly frame: Frame;
  readonly hash: Buffer;
  readonly offset: number;
  readonly end: number;
}

export type Head =
  | { readonly kind: 'good' }
  | { readonly kind: 'unknown'; readonly version: number }
  | { readonly kind: 'bad'; readonly detail: string };

/** What follows the last whole frame. */
export type Tail =
  | { readonly kind: 'blank'; readonly at: number }
  /** All its sectors are blank or written in their place, at least one of each. */
  | {
      readonly kind: 'torn';
      readonly at: number;
      readonly end: number;
      readonly sequence: number;
      /** Something stands behind it. */
      readonly buried: boolean;
    }
  | { readonly kind: 'unknown'; readonly at: number; readonly version: number }
  | { readonly kind: 'damaged'; readonly at: number; readonly detail: string };

export interface SegmentScan {
  readonly name: string;
  readonly number: number;
  readonly head: Head;
  /** Chained to each other; the first one is a `state`. */
  readonly frames: readonly WholeFrame[];
  readonly tail: Tail;
}

/** Where the first frame of a segment begins. */
export const FIRST_FRAME_AT = BLOCK_BYTES;

/** The first block of a segment: a copied, renamed or cut file is known by it. */
export function encodeHead(number: number, sizeBytes: number): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeUIntBE(number, 0, 6);
  payload.writeUIntBE(sizeBytes, 6, 6);
  return encodeFrame({ kind: 'head', sequence: 0, previous: NO_HASH, payload }).bytes;
}

function readHead({ bytes, number }: SegmentBytes): Head {
  const bad = (detail: string): Head => ({ kind: 'bad', detail });
  if (bytes.length < FIRST_FRAME_AT) return bad(`it is ${bytes.length} bytes long`);
  const found = extentAt(bytes, 0);
  if (found.kind !== 'whole' || found.end !== FIRST_FRAME_AT) return bad('its head is damaged');
  const read = readFrame(bytes, 0, found.stamp);
  if (read.kind === 'unknown') return read;
  if (read.kind === 'damaged') return bad(`its head is damaged: ${read.detail}`);
  const { kind, payload } = read.frame;
  if (kind !== 'head' || payload.length !== 12) return bad('it does not begin with a head');
  const said = Buffer.from(payload);
  if (said.readUIntBE(0, 6) !== number) {
    return bad(`it was created as segment ${said.readUIntBE(0, 6)}`);
  }
  const size = said.readUIntBE(6, 6);
  return size === bytes.length
    ? { kind: 'good' }
    : bad(`it is ${bytes.length} bytes long and was created with ${size}`);
}

type Extent =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'whole' | 'torn';
      readonly stamp: {
        readonly sequence: number;
        readonly number: number;
        readonly count: number;
      };
      readonly end: number;
    }
  | { readonly kind: 'damaged'; readonly at: number; readonly detail: string };

/** The frame whose place begins at `at`, found by whichever of its sectors was written. */
function extentAt(bytes: Buffer, at: number): Extent {
  const damaged = (where: number, detail: string): Extent => ({
    kind: 'damaged',
    at: where,
    detail,
  });
  const first = firstWritten(bytes, at);
  if (first === null) return { kind: 'nothing' };
  const lead = readSector(bytes, first);
  if (lead.kind !== 'written') return damaged(first, 'a sector is damaged');
  const { sequence, number, count } = lead.stamp;
  const end = at + count * SECTOR_BYTES;
  // Frames follow each other without gaps: a sector that counts from elsewhere was misplaced.
  if (first - number * SECTOR_BYTES !== at || end > bytes.length) {
    return damaged(first, 'a sector is not in its place');
  }
  let blank = number;
  for (let next = number + 1; next < count; next += 1) {
    const offset = at + next * SECTOR_BYTES;
    const sector = readSector(bytes, offset);
    if (sector.kind === 'damaged') return damaged(offset, 'a sector is damaged');
    if (sector.kind === 'blank') blank += 1;
    else if (!isNext(sector.stamp, lead.stamp, next)) {
      return damaged(offset, 'a sector is not in its place');
    }
  }
  return { kind: blank === 0 ? 'whole' : 'torn', stamp: { sequence, number, count }, end };
}

type Stamp = { readonly sequence: number; readonly number: number; readonly count: number };
const isNext = (stamp: Stamp, lead: Stamp, number: number): boolean =>
  stamp.sequence === lead.sequence && stamp.count === lead.count && stamp.number === number;

function firstWritten(bytes: Buffer, from: number): number | null {
  if (isBlank(bytes, from, bytes.length)) return null;
  // A file whose length is no multiple of a sector has a bad head and is never scanned this far.
  let at = from;
  while (isBlank(bytes, at, at + SECTOR_BYTES)) at += SECTOR_BYTES;
  return at;
}

export function scanSegment(segment: SegmentBytes): SegmentScan {
  const { name, number, bytes } = segment;
  const head = readHead(segment);
  const frames: WholeFrame[] = [];
  const ends = (tail: Tail): SegmentScan => ({ name, number, head, frames, tail });
  let at = FIRST_FRAME_AT;
  if (head.kind !== 'good') return ends({ kind: 'blank', at });
  for (;;) {
    const found = extentAt(bytes, at);
    if (found.kind === 'nothing') return ends({ kind: 'blank', at });
    if (found.kind === 'damaged') return ends(found);
    const { end, stamp } = found;
    if (found.kind === 'torn') {
      const buried = !isBlank(bytes, end, bytes.length);
      return ends({ kind: 'torn', at, end, sequence: stamp.sequence, buried });
    }
    const read = readFrame(bytes, at, stamp);
    if (read.kind === 'unknown') return ends({ ...read, at });
    if (read.kind === 'damaged') return ends({ ...read, at });
    const broken = breaksChain(read.frame, frames.at(-1));
    if (broken !== null) return ends({ kind: 'damaged', at, detail: broken });
    frames.push({ frame: read.frame, hash: read.hash, offset: at, end });
    at = end;
  }
}

/** Each frame names the hash of the one before: one that was lost, or is another's, breaks the chain. */
function breaksChain(frame: Frame, before: WholeFrame | undefined): string | null {
  if (before === undefined) {
    return frame.kind === 'state' ? null : 'a segment does not begin with the whole state';
  }
  if (frame.kind !== 'batches') return `a frame of kind ${frame.kind} inside a segment`;
  if (frame.sequence !== before.frame.sequence + 1) {
    return `frame ${frame.sequence} follows frame ${before.frame.sequence}`;
  }
  return frame.previous.equals(before.hash)
    ? null
    : `frame ${frame.sequence} is not chained to the one before it`;
}
