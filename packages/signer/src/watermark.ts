/**
 * The second gate: what this replica itself meant to release, on its own disk, apart from consensus.
 *
 * Owns    the two-slot file: its layout, its repair, and the refusal by it.
 * Never   overwrites the newest slot with anything but its own bytes, and never lowers the mark. It takes no mark
 *         from anywhere but `raise` and, where the file is lost, from the applied state (`rebuild`).
 * Rule    docs/architecture.md, second gates: above, or the same HRS and content; else refused.
 * Proof   test/watermark.test.ts: every truncation and bit flip, and a process killed while it raises;
 *         simulator/test/storage.test.ts: any sequence of kills, lost power and errors.
 *
 * Layout, little endian, slots of 4096 bytes so that no two share a page of the file system:
 *
 *     0  magic "CMKSMARK"      8  version u32       12  step u8, 0: nothing yet
 *    16  sequence u64         24  height u64        32  round u32
 *    36  owner, 32 bytes: SHA-256 over key and chain
 *    68  content, 32 bytes: SHA-256 of it           …   zeros      4092  CRC-32 of all before
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { invariant } from '@cometkms/invariant';
import { comparePosition, type Hrs, type Position, type RecordId } from '@cometkms/sign-state';
import { replaceFile } from './atomic-file.js';
import { type DurableFile, type DurableFiles, systemFiles } from './durable-files.js';
import { detailOf, SignerError } from './errors.js';
import { systemClock } from './gate/clock.js';
import type { Watermark, WatermarkVerdict } from './seams.js';

const slotBytes = 4096;
const crcOffset = slotBytes - 4;
const magic = Buffer.from('CMKSMARK');
const version = 1;

type SlotNumber = 0 | 1;

/** What one good slot says. At step 0 nothing was marked yet. */
export interface Mark {
  readonly sequence: bigint;
  readonly position: Position;
  readonly contentHash: Buffer;
}

/** What stood on the disk. */
export type OpenedWatermark =
  | {
      readonly kind: 'held';
      readonly watermark: WatermarkFile;
      /**
       * One slot is bad, the other holds: a kill in the middle of a write leaves this, and so does a damaged disk. In
       * the second case the mark may be one step too low. The caller warns, and raises it to the applied state
       * after the barrier.
       */
      readonly badSlot: SlotNumber | null;
    }
  | {
      /** Normal before the first start of a chain on this replica; an alarm after it. */
      readonly kind: 'lost';
      readonly reason: 'missing' | 'damaged';
      /**
       * Writes the file anew. Only from applied state, after the barrier.
       * @param from null: nothing was ever reserved
       */
      rebuild(from: Marked | null): Promise<WatermarkFile>;
    };

/** Where it lives, and by what time it tells how long a sync took. */
export interface WatermarkEdges {
  readonly files: DurableFiles;
  /** Monotonic, milliseconds. */
  nowMs(): number;
}

const systemEdges: WatermarkEdges = { files: systemFiles, nowMs: systemClock.nowMs };

export interface Marked {
  readonly hrs: Hrs;
  /** As `readSignBytes` gives it: all but the timestamp. */
  readonly content: Uint8Array;
}

/**
 * @throws SignerError SIGNER_WATERMARK_FOREIGN  a good slot is of another key or chain
 * @throws SignerError SIGNER_WATERMARK_VERSION  a good slot is of another version
 * @throws SignerError SIGNER_FILE_KIND, SIGNER_FILE_FAILED
 * @throws SignerError SIGNER_WATERMARK_FAILED  what was read could not be made durable
 */
export async function openWatermark(
  path: string,
  id: RecordId,
  edges: WatermarkEdges = systemEdges,
): Promise<OpenedWatermark> {
  const owner = ownerOf(id);
  const place = { path, owner, edges };
  const file = await edges.files.read(path);
  const found = file === null ? null : classify(file.bytes, { path, id, owner });
  if (found === null) {
    const rebuild = (from: Marked | null) => createWatermark(place, from);
    return { kind: 'lost', reason: file === null ? 'missing' : 'damaged', rebuild };
  }
  const watermark = await openForWriting(place, found.mark, found.next);
  try {
    await watermark.makeCertain();
  } catch (error) {
    await watermark.close();
    throw error;
  }
  return { kind: 'held', watermark, badSlot: found.badSlot };
}

interface Place {
  readonly path: string;
  readonly owner: Buffer;
  readonly edges: WatermarkEdges;
}

interface Expected {
  readonly path: string;
  readonly id: RecordId;
  readonly owner: Buffer;
}

/**
 * What two slots of a file are worth together. Exported for the test that flips every bit.
 * @returns null if both are bad, or contradict each other
 */
export function classify(
  file: Buffer,
  expected: Expected,
): {
  readonly mark: Mark;
  readonly next: SlotNumber;
  readonly badSlot: SlotNumber | null;
} | null {
  const [first, second] = [readSlot(file, 0, expected), readSlot(file, 1, expected)];
  const mark = newestOf(first, second);
  if (mark === null) return null;
  const badSlot = first === null ? 0 : second === null ? 1 : null;
  return { mark, next: mark === first ? 1 : 0, badSlot };
}

/** Both slots are written whole and synced before the name appears: no later write changes the file's size. */
async function createWatermark(place: Place, from: Marked | null): Promise<WatermarkFile> {
  const { path, owner, edges } = place;
  const nothing: Mark = {
    sequence: 1n,
    position: { height: 0n, round: 0, step: 0 },
    contentHash: Buffer.alloc(32),
  };
  const start: Mark =
    from === null
      ? { ...nothing, sequence: 2n }
      : { sequence: 2n, position: from.hrs, contentHash: hashOf(from.content) };
  const slots = [encodeSlot(nothing, owner), encodeSlot(start, owner)];
  await replaceFile(path, Buffer.concat(slots), edges.files);
  return openForWriting(place, start, 0);
}

async function openForWriting(
  place: Place,
  newest: Mark,
  older: SlotNumber,
): Promise<WatermarkFile> {
  const { path, edges } = place;
  try {
    return new WatermarkFile(place, await edges.files.open(path), newest, older);
  } catch (cause) {
    const detail = detailOf(cause);
    throw new SignerError('SIGNER_FILE_FAILED', { path, doing: 'opening', detail }, { cause });
  }
}

/** Made by `openWatermark` or its `rebuild`. */
export class WatermarkFile implements Watermark {
  readonly #place: Place;
  readonly #file: DurableFile;
  /** What is known to be on the disk. */
  #mark: Mark;
  /** Where the next mark goes: never the slot that holds `#mark`. */
  #next: SlotNumber;
  #raising = false;
  #failed: SignerError | null = null;

  constructor(place: Place, file: DurableFile, mark: Mark, next: SlotNumber) {
    this.#place = place;
    this.#file = file;
    this.#mark = mark;
    this.#next = next;
  }

  current(): { readonly hrs: Hrs } | null {
    const { height, round, step } = this.#mark.position;
    return step === 0 ? null : { hrs: { height, round, step } };
  }

  /**
   * Judged before the first await; one call in flight.
   * @throws SignerError SIGNER_WATERMARK_FAILED  the write failed, now or earlier. What the disk holds is then
   *         unknown, so this watermark never raises again: end the process.
   */
  async raise(hrs: Hrs, content: Uint8Array): Promise<WatermarkVerdict> {
    invariant(!this.#raising, 'one raise of a watermark is in flight at a time', { hrs });
    if (this.#failed !== null) throw this.#failed;
    const mark: Mark = {
      sequence: this.#mark.sequence + 1n,
      position: hrs,
      contentHash: hashOf(content),
    };
    const at = this.current()?.hrs;
    if (at !== undefined) {
      const order = comparePosition(hrs, at);
      if (order < 0) return { kind: 'refused', reason: 'regressed', at };
      if (order === 0) {
        return mark.contentHash.equals(this.#mark.contentHash)
          ? { kind: 'raised', syncMs: 0 }
          : { kind: 'refused', reason: 'otherContent', at };
      }
    }
    this.#raising = true;
    const started = this.#place.edges.nowMs();
    try {
      await this.#write(mark);
    } finally {
      this.#raising = false;
    }
    return { kind: 'raised', syncMs: this.#place.edges.nowMs() - started };
  }

  /**
   * What was read may stand in the page cache alone: the process before was killed while it wrote, or its write failed
   * and the kernel keeps it, marked clean. A mark that is believed must be on the disk, as a repeat of it writes
   * nothing. The same bytes once more are, or fail; a sync alone would say nothing of the second.
   */
  async makeCertain(): Promise<void> {
    await this.#put(this.#mark, this.#next === 0 ? 1 : 0);
    await this.#durably(async () => {
      await this.#file.sync();
      await this.#place.edges.files.syncDirectoryOf(this.#place.path);
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #write(mark: Mark): Promise<void> {
    await this.#put(mark, this.#next);
    // Memory follows the disk: `current` never names a mark that a power cut could take back.
    this.#mark = mark;
    this.#next = this.#next === 0 ? 1 : 0;
  }

  async #put(mark: Mark, slot: SlotNumber): Promise<void> {
    const bytes = encodeSlot(mark, this.#place.owner);
    await this.#durably(async () => {
      const written = await this.#file.write(bytes, slot * slotBytes);
      if (written !== slotBytes) throw new Error(`${written} of ${slotBytes} bytes written`);
    });
  }

  async #durably(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      const facts = { path: this.#place.path, detail: detailOf(cause) };
      this.#failed = new SignerError('SIGNER_WATERMARK_FAILED', facts, { cause });
      throw this.#failed;
    }
  }
}

/**
 * With both good, the marks must be each other's successors; no run of ours leaves anything else, so anything else
 * counts as damage of both.
 */
function newestOf(first: Mark | null, second: Mark | null): Mark | null {
  if (first === null || second === null) return first ?? second;
  const [older, newer] = first.sequence < second.sequence ? [first, second] : [second, first];
  const successors =
    newer.sequence === older.sequence + 1n && comparePosition(newer.position, older.position) >= 0;
  return successors ? newer : null;
}

export function encodeSlot(mark: Mark, owner: Buffer): Buffer {
  const slot = Buffer.alloc(slotBytes);
  magic.copy(slot, 0);
  slot.writeUInt32LE(version, 8);
  slot.writeUInt8(mark.position.step, 12);
  slot.writeBigUInt64LE(mark.sequence, 16);
  slot.writeBigUInt64LE(mark.position.height, 24);
  slot.writeUInt32LE(mark.position.round, 32);
  owner.copy(slot, 36);
  mark.contentHash.copy(slot, 68);
  slot.writeUInt32LE(crc32(slot.subarray(0, crcOffset)), crcOffset);
  return slot;
}

/** @returns null for a slot that is damaged or cut off */
function readSlot(file: Buffer, number: SlotNumber, { path, id, owner }: Expected): Mark | null {
  const slot = file.subarray(number * slotBytes, (number + 1) * slotBytes);
  if (slot.length !== slotBytes || !slot.subarray(0, 8).equals(magic)) return null;
  if (slot.readUInt32LE(crcOffset) !== crc32(slot.subarray(0, crcOffset))) return null;
  // Only a slot whose checksum holds may accuse: a flipped bit must not read as a foreign file.
  const found = slot.readUInt32LE(8);
  if (found !== version) {
    throw new SignerError('SIGNER_WATERMARK_VERSION', { path, found, known: version });
  }
  if (!slot.subarray(36, 68).equals(owner)) {
    throw new SignerError('SIGNER_WATERMARK_FOREIGN', { path, chainId: id.chainId });
  }
  const step = slot.readUInt8(12);
  if (step !== 0 && step !== 1 && step !== 2 && step !== 3) return null;
  return {
    sequence: slot.readBigUInt64LE(16),
    position: { height: slot.readBigUInt64LE(24), round: slot.readUInt32LE(32), step },
    contentHash: Buffer.from(slot.subarray(68, 100)),
  };
}

/** Lengths in front, so that no two pairs of key and chain give the same bytes. */
export function ownerOf({ chainId, key }: RecordId): Buffer {
  const hash = createHash('sha256');
  for (const part of [Buffer.from(key.type), Buffer.from(key.bytes), Buffer.from(chainId)]) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(part.length);
    hash.update(length).update(part);
  }
  return hash.digest();
}

function hashOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
