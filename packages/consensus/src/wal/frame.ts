/**
 * The layout of the log on disk: sectors, and frames made of them. Pure over bytes.
 *
 * Owns    how one frame becomes sectors, and what each single sector says of itself.
 * Never   does I/O, or decides what a damaged frame means (recovery.ts does).
 * Rule    raft.md rule 51: every frame has a checksum and is chained to the one before it.
 * Proof   test/wal-frame.test.ts, test/wal-fuzz.test.ts.
 *
 * A disk writes a sector as a whole or not at all; a frame of several sectors may be cut anywhere when
 * the power fails. So each sector carries a stamp: its own checksum, the sequence number of its frame,
 * its place in it and the frame's length. No written sector is all zero and each stands for itself, so
 * a sector is exactly one of: blank (never written), written (as it was meant), or damaged. A frame
 * with blank sectors is torn; a flipped bit makes a damaged sector, and can never look like a tear.
 *
 *   sector   crc32 of the rest (4) | sequence (6) | number (3) | count (3) | data (496)
 *   data     of all sectors of a frame, joined: header (50), payload, zeros
 *   header   magic (4) | version (2) | kind (2) | payload length (4) | sequence (6) | previous (16) | hash (16)
 *
 * Integers are big-endian. `hash` is SHA-256, cut to 16 bytes, over the header before it and the
 * payload; `previous` is that of the frame before. Frames fill whole blocks of 4 KiB, so that the
 * write of one never touches a physical sector that holds another.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { invariant } from '@cometkms/invariant';

export const SECTOR_BYTES = 512;
export const BLOCK_BYTES = 4096;
/** The layout above. Its first sector keeps its form in every later version, so that this can be read. */
export const FORMAT_VERSION = 1;

const SECTORS_PER_BLOCK = BLOCK_BYTES / SECTOR_BYTES;
const STAMP_BYTES = 16;
const ROOM_BYTES = SECTOR_BYTES - STAMP_BYTES;
const HASH_BYTES = 16;
const HASHED_HEADER_BYTES = 34;
const HEADER_BYTES = HASHED_HEADER_BYTES + HASH_BYTES;
const MAGIC = 0x434b574c;

/** What a frame is, as it stands on disk. Numbers are for ever. */
export const FRAME_KINDS = {
  /** The first of every segment: its number and its length. Not part of the chain. */
  head: 1,
  /** The whole state; what came before it is not needed any more. */
  state: 2,
  /** Batches to be applied to the state before. */
  batches: 3,
} as const;
export type FrameKind = keyof typeof FRAME_KINDS;

/** What stands in `previous` where there is no frame before. */
export const NO_HASH: Buffer = Buffer.alloc(HASH_BYTES);

export interface Frame {
  readonly kind: FrameKind;
  /** Counts frames from 1, without holes, across segments. A head has 0. */
  readonly sequence: number;
  readonly previous: Buffer;
  readonly payload: Uint8Array;
}

/** How many sectors a frame with this payload fills. */
export function sectorsOf(payloadBytes: number): number {
  const sectors = Math.ceil((HEADER_BYTES + payloadBytes) / ROOM_BYTES);
  return Math.ceil(sectors / SECTORS_PER_BLOCK) * SECTORS_PER_BLOCK;
}

/** The frame as it goes to disk, and its hash for the chain. */
export function encodeFrame(frame: Frame): { readonly bytes: Buffer; readonly hash: Buffer } {
  const { payload, sequence } = frame;
  const count = sectorsOf(payload.length);
  const bytes = Buffer.alloc(count * SECTOR_BYTES);
  // The header lies in the first sector as a whole.
  const header = bytes.subarray(STAMP_BYTES, STAMP_BYTES + HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt16BE(FORMAT_VERSION, 4);
  header.writeUInt16BE(FRAME_KINDS[frame.kind], 6);
  header.writeUInt32BE(payload.length, 8);
  header.writeUIntBE(sequence, 12, 6);
  frame.previous.copy(header, 18);
  const hash = hashOf(header, payload);
  hash.copy(header, HASHED_HEADER_BYTES);
  for (let done = 0; done < payload.length; ) {
    const at = HEADER_BYTES + done;
    const within = at % ROOM_BYTES;
    const part = payload.subarray(done, done + ROOM_BYTES - within);
    bytes.set(part, ((at - within) / ROOM_BYTES) * SECTOR_BYTES + STAMP_BYTES + within);
    done += part.length;
  }
  for (let number = 0; number < count; number += 1) {
    const at = number * SECTOR_BYTES;
    bytes.writeUIntBE(sequence, at + 4, 6);
    bytes.writeUIntBE(number, at + 10, 3);
    bytes.writeUIntBE(count, at + 13, 3);
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, at + SECTOR_BYTES)), at);
  }
  return { bytes, hash };
}

/** Over what the header says and the payload, not over the zeros behind it (their sectors' crc is). */
function hashOf(header: Buffer, payload: Uint8Array): Buffer {
  return createHash('sha256')
    .update(header.subarray(0, HASHED_HEADER_BYTES))
    .update(payload)
    .digest()
    .subarray(0, HASH_BYTES);
}

export interface Stamp {
  readonly sequence: number;
  readonly number: number;
  readonly count: number;
}

export type Sector =
  | { readonly kind: 'blank' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'written'; readonly stamp: Stamp };

const blankSector: Sector = { kind: 'blank' };
const damagedSector: Sector = { kind: 'damaged' };
const zeros = Buffer.alloc(64 * 1024);

export function readSector(bytes: Buffer, offset: number): Sector {
  const crc = bytes.readUInt32BE(offset);
  if (crc === 0 && isBlank(bytes, offset, offset + SECTOR_BYTES)) return blankSector;
  if (crc !== crc32(bytes.subarray(offset + 4, offset + SECTOR_BYTES))) return damagedSector;
  const number = bytes.readUIntBE(offset + 10, 3);
  const count = bytes.readUIntBE(offset + 13, 3);
  // Count is never 0 in what we write: that is what keeps a written sector from being all zero.
  if (number >= count || count % SECTORS_PER_BLOCK !== 0) return damagedSector;
  return { kind: 'written', stamp: { sequence: bytes.readUIntBE(offset + 4, 6), number, count } };
}

/** True where all bytes of [from, to) are zero. */
export function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += zeros.length) {
    const length = Math.min(zeros.length, to - at);
    if (zeros.compare(bytes, at, at + length, 0, length) !== 0) return false;
  }
  return true;
}

export type ReadFrame =
  | { readonly kind: 'frame'; readonly frame: Frame; readonly hash: Buffer }
  | { readonly kind: 'unknown'; readonly version: number }
  | { readonly kind: 'damaged'; readonly detail: string };

/**
 * Joins the sectors of a frame, all of which were found `written` and in their place.
 * @param offset where its first sector begins
 */
export function readFrame(bytes: Buffer, offset: number, stamp: Stamp): ReadFrame {
  invariant(offset % SECTOR_BYTES === 0, 'a frame begins with a sector', { offset });
  const data = Buffer.alloc(stamp.count * ROOM_BYTES);
  for (let number = 0; number < stamp.count; number += 1) {
    const start = offset + number * SECTOR_BYTES + STAMP_BYTES;
    bytes.copy(data, number * ROOM_BYTES, start, start + ROOM_BYTES);
  }
  const damaged = (detail: string): ReadFrame => ({ kind: 'damaged', detail });
  if (data.readUInt32BE(0) !== MAGIC) return damaged('not a frame of this log');
  const length = data.readUInt32BE(8);
  if (HEADER_BYTES + length > data.length) return damaged('its length does not fit its sectors');
  const hash = data.subarray(HASHED_HEADER_BYTES, HEADER_BYTES);
  const payload = data.subarray(HEADER_BYTES, HEADER_BYTES + length);
  if (!hashOf(data, payload).equals(hash)) return damaged('its hash does not match');
  // Only now: a damaged version number must not look like one of a later program.
  const version = data.readUInt16BE(4);
  if (version !== FORMAT_VERSION) return { kind: 'unknown', version };
  const kind = kinds.get(data.readUInt16BE(6));
  if (kind === undefined) return damaged('its kind is none of this version');
  const sequence = data.readUIntBE(12, 6);
  if (sequence !== stamp.sequence) return damaged('its header and its sectors disagree');
  const previous = data.subarray(18, 18 + HASH_BYTES);
  return { kind: 'frame', frame: { kind, sequence, previous, payload }, hash };
}

const kinds: ReadonlyMap<number, FrameKind> = new Map(
  Object.entries(FRAME_KINDS).map(([kind, number]) => [number, kind as FrameKind]),
);
