/**
 * Segment files: their names, and how one comes into being.
 *
 * Owns    what each name in the directory means, and the order of creation: zeros written and synced
 *         under a passing name, renamed, directory synced. Only then does anybody hear of the segment.
 * Never   writes frames.
 * Rule    raft.md rules 49 (a full disk is met here, before any promise) and 50 (file, then directory).
 * Proof   test/wal-crash.test.ts, which loses power after each single step.
 */
import { invariant } from '@cometkms/invariant';
import type { LogFile, LogFiles } from './files.js';
import { BLOCK_BYTES } from './frame.js';
import { encodeHead } from './scan.js';

export interface Segment {
  readonly number: number;
  readonly name: string;
  readonly sizeBytes: number;
  /** Opened `durable`. */
  readonly file: LogFile;
}

/** Ten digits: listed by name they stand in order. */
export const segmentName = (number: number): string => `${String(number).padStart(10, '0')}.wal`;

export const NOTE_NAME = 'durable';

export type NamedFile =
  | { readonly kind: 'segment'; readonly number: number }
  /** Never finished: nothing was written to it but zeros. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'note' }
  /** Has the looks of a segment, and is not where we put one. */
  | { readonly kind: 'suspect' }
  | { readonly kind: 'foreign' };

/**
 * What a name in the directory means. A foreign file (`lost+found` on a fresh volume) is left alone: it
 * can neither add to the chain nor hide that a part is missing. What has `.wal` in its name and is no
 * segment is suspect: somebody moved one (`0000000001.wal.bak`), and the log might look never founded.
 */
export function readName(name: string): NamedFile {
  if (name === NOTE_NAME) return { kind: 'note' };
  const digits = /^(\d{10})\.wal(\.new)?$/.exec(name);
  if (digits !== null && Number(digits[1]) > 0) {
    return digits[2] === undefined
      ? { kind: 'segment', number: Number(digits[1]) }
      : { kind: 'unfinished' };
  }
  return name.toLowerCase().includes('.wal') ? { kind: 'suspect' } : { kind: 'foreign' };
}

/** Small enough that no single sync keeps an append waiting for long. */
const FILL_BYTES = 256 * 1024;

/** A segment of zeros behind its head. Replaces a blank one of the same number that is too small. */
export async function createSegment(
  files: LogFiles,
  number: number,
  sizeBytes: number,
): Promise<Segment> {
  invariant(sizeBytes % BLOCK_BYTES === 0, 'a segment is whole blocks', { sizeBytes });
  const name = segmentName(number);
  const file = await files.open(`${name}.new`, { content: 'replace', durable: true });
  // Zeros are written, not only allocated: the first write to an unwritten extent changes the file
  // system's own records, which costs a second sync each time.
  const zeros = Buffer.alloc(Math.min(FILL_BYTES, sizeBytes));
  for (let at = 0; at < sizeBytes; at += zeros.length) {
    await writeFully(file, zeros.subarray(0, Math.min(zeros.length, sizeBytes - at)), at);
  }
  await writeFully(file, encodeHead(number, sizeBytes), 0);
  await file.sync();
  await files.rename(`${name}.new`, name);
  await files.syncDirectory();
  return { number, name, sizeBytes, file };
}

/** A short write is continued, never begun anew. */
export async function writeFully(file: LogFile, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const written = await file.write(bytes.subarray(done), position + done);
    if (written <= 0) throw new Error(`the disk took ${done} of ${bytes.length} bytes`);
    done += written;
  }
}
