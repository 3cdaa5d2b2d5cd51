/**
 * The contents of one file on a simulated disk, sector by sector.
 *
 * Owns    what of it is on the disk, what waits in the page cache, and what the cache shows although it will never
 *         be written; what becomes of each when the power fails or a write does.
 * Never   changes a sector's bytes in place: versions are shared between copies of a disk, and a sector of zeros is
 *         not kept at all. So a write costs what it writes, and a copy one reference for each sector.
 * Fault   The model is told at the head of disk.ts.
 */
import type { Random } from './random.js';

export const sectorBytes = 512;

const zeroSector = Buffer.alloc(sectorBytes);
const zeroRun = Buffer.alloc(64 * 1024);

/** Bytes on their way into a file. `bytes` is null where all are zero. */
export interface Write {
  readonly position: number;
  readonly length: number;
  readonly bytes: Buffer | null;
}

/** Copied, as the caller may use his bytes again. */
export function writeOf(bytes: Uint8Array, position: number): Write {
  const kept = isZero(bytes) ? null : Buffer.from(bytes);
  return { position, length: bytes.length, bytes: kept };
}

function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += zeroRun.length) {
    const end = Math.min(bytes.length, at + zeroRun.length);
    if (zeroRun.compare(bytes, at, end, 0, end - at) !== 0) return false;
  }
  return true;
}

/** The first part of a write. */
export function shortened({ position, bytes }: Write, length: number): Write {
  return { position, length, bytes: bytes?.subarray(0, length) ?? null };
}

/** The chances of a sector that was not synced when the power failed, besides the old and the new bytes. */
export interface SectorRates {
  readonly zero: number;
  readonly garbage: number;
}

type SectorFate = 'old' | 'new' | 'zero' | 'garbage';
export type SectorFates = Readonly<Record<SectorFate, number>>;

/** How much of what was not synced survives: often all or nothing, or one sector would hardly ever differ. */
const shares = [0, 0.1, 0.5, 0.9, 1];
export const drawShare = (random: Random): number => random.pick(shares);

export class Inode {
  /** The last name that it had; for the trace. */
  path: string;
  /** The last write was short, and ended within a sector. */
  isShorn = false;
  #length = 0;
  #durableLength = 0;
  /** Lengths that it was given since it was synced. */
  #lengths: number[] = [];
  /** Sectors that are missing are zero. */
  #durable = new Map<number, Buffer>();
  /** The versions of a sector since it was synced; a reader sees the last. */
  #pending = new Map<number, Buffer[]>();
  /** Marked clean after an error: a reader sees it, no sync writes it. */
  #shown = new Map<number, Buffer>();

  constructor(path: string) {
    this.path = path;
  }

  get length(): number {
    return this.#length;
  }

  get pendingSectors(): number {
    return this.#pending.size;
  }

  copy(): Inode {
    const copy = new Inode(this.path);
    copy.#length = this.#length;
    copy.#durableLength = this.#durableLength;
    copy.#lengths = [...this.#lengths];
    copy.#durable = new Map(this.#durable);
    copy.#pending = new Map([...this.#pending].map(([at, versions]) => [at, [...versions]]));
    copy.#shown = new Map(this.#shown);
    return copy;
  }

  /** As a process sees it. */
  read(): Buffer {
    const bytes = Buffer.alloc(this.#length);
    const lay = (at: number, sector: Buffer): void => {
      if (at * sectorBytes < bytes.length) sector.copy(bytes, at * sectorBytes);
    };
    for (const [at, sector] of this.#durable) lay(at, sector);
    for (const [at, sector] of this.#shown) lay(at, sector);
    for (const [at, versions] of this.#pending) lay(at, versions.at(-1) ?? zeroSector);
    return bytes;
  }

  // ------------------------------------------------------------------------------- writing

  /** Into the page cache. @param takes  which sectors of it are written; all, unless told */
  write(write: Write, takes: (sector: number) => boolean = () => true): void {
    let end = 0;
    this.#each(write, (at, sector, upTo) => {
      if (!takes(at)) return;
      end = upTo;
      const versions = this.#pending.get(at);
      if (versions === undefined) this.#pending.set(at, [sector]);
      else versions.push(sector);
    });
    if (end > this.#length) this.#setLength(end);
  }

  /** On the disk as a whole when this returns. */
  writeDurably(write: Write): void {
    this.#each(write, (at, sector) => {
      this.#put(at, sector);
      this.#pending.delete(at);
      this.#shown.delete(at);
    });
    this.#growDurably(write);
  }

  /** The disk said that it wrote this here, and did not: only the cache has it. */
  writeInVain(write: Write): void {
    this.#each(write, (at, sector) => {
      this.#pending.delete(at);
      this.#shown.set(at, sector);
    });
    this.#growDurably(write);
  }

  /** What was meant for another place stands here. Beyond the end there is nothing to hit. */
  hit(write: Write): void {
    const room = this.#durableLength - write.position;
    if (room < sectorBytes) return;
    const within = shortened(write, Math.min(write.length, room - (room % sectorBytes)));
    this.#each(within, (at, sector) => this.#put(at, sector));
  }

  empty(): void {
    const known = [this.#durable, this.#pending, this.#shown].flatMap((each) => [...each.keys()]);
    for (const at of new Set(known)) {
      this.#pending.set(at, [...(this.#pending.get(at) ?? []), zeroSector]);
    }
    this.#setLength(0);
  }

  sync(): void {
    for (const [at, versions] of this.#pending) this.#put(at, versions.at(-1) ?? zeroSector);
    this.#pending.clear();
    this.#durableLength = this.#length;
    this.#lengths = [];
  }

  // -------------------------------------------------------------------------------- faults

  /** What waited, all of it or what `write` covers, met an error: the kernel gives it up, and says nothing later. */
  giveUp(random: Random, write: Write | null): void {
    const shows = random.chance(0.5);
    const covered = write === null ? [...this.#pending.keys()] : sectorsUnder(write);
    for (const at of covered) {
      const last = this.#pending.get(at)?.at(-1);
      if (last === undefined) continue;
      this.#pending.delete(at);
      if (shows) this.#shown.set(at, last);
      else this.#shown.delete(at);
      // Some of it may have reached the disk before.
      if (random.chance(0.5)) this.#put(at, last);
    }
    if (random.chance(0.5)) this.#durableLength = this.#length;
    this.#lengths = [];
  }

  /** What the machine finds when the power is back. */
  losePower(random: Random, rates: SectorRates): SectorFates {
    const share = drawShare(random);
    const fates = { old: 0, new: 0, zero: 0, garbage: 0 };
    for (const [at, versions] of this.#pending) {
      const old = this.#durable.get(at) ?? zeroSector;
      // A sector that is written with the bytes it has cannot become anything else.
      if (versions.every((version) => version.equals(old))) continue;
      const { fate, bytes } = fateOf(old, versions, share, random, rates);
      fates[fate] += 1;
      this.#put(at, bytes);
    }
    const earlier = [this.#durableLength, ...this.#lengths.slice(0, -1)];
    const length = random.chance(share) ? this.#length : random.pick(earlier);
    this.#pending.clear();
    this.#shown.clear();
    this.#cut(length);
    return fates;
  }

  /** A single bit, from 0 to before the end, changes on the disk. */
  flip(bit: number): void {
    const at = Math.floor(bit / 8 / sectorBytes);
    const sector = Buffer.from(this.#durable.get(at) ?? zeroSector);
    const byte = Math.floor(bit / 8) % sectorBytes;
    sector.writeUInt8(sector.readUInt8(byte) ^ (1 << (bit % 8)), byte);
    this.#put(at, sector);
    this.#shown.delete(at);
  }

  // ------------------------------------------------------------------------------- sectors

  #put(at: number, sector: Buffer): void {
    if (sector === zeroSector || sector.equals(zeroSector)) this.#durable.delete(at);
    else this.#durable.set(at, sector);
  }

  #seen(at: number): Buffer {
    return (
      this.#pending.get(at)?.at(-1) ?? this.#shown.get(at) ?? this.#durable.get(at) ?? zeroSector
    );
  }

  /** Each sector of a write as it will be, and where in the file the written part of it ends. */
  #each(
    { position, length, bytes }: Write,
    take: (at: number, sector: Buffer, upTo: number) => void,
  ): void {
    for (let done = 0; done < length; ) {
      const at = Math.floor((position + done) / sectorBytes);
      const within = position + done - at * sectorBytes;
      const size = Math.min(sectorBytes - within, length - done);
      let sector = bytes?.subarray(done, done + size) ?? zeroSector;
      if (size < sectorBytes) {
        const part = sector;
        sector = Buffer.from(this.#seen(at));
        part.copy(sector, within, 0, size);
      }
      done += size;
      take(at, sector, position + done);
    }
  }

  #setLength(length: number): void {
    this.#length = length;
    this.#lengths.push(length);
  }

  #growDurably({ position, length }: Write): void {
    this.#length = Math.max(this.#length, position + length);
    this.#durableLength = this.#length;
    this.#lengths = [];
  }

  /** Nothing stands behind the end: a file that grows again begins with zeros there. */
  #cut(length: number): void {
    this.#length = length;
    this.#durableLength = length;
    this.#lengths = [];
    for (const [at, sector] of this.#durable) {
      const room = length - at * sectorBytes;
      if (room <= 0) this.#durable.delete(at);
      else if (room < sectorBytes) this.#put(at, Buffer.from(sector).fill(0, room));
    }
  }
}

function sectorsUnder({ position, length }: Write): number[] {
  const first = Math.floor(position / sectorBytes);
  const count = Math.ceil((position + length) / sectorBytes) - first;
  return Array.from({ length: count }, (_, at) => first + at);
}

function fateOf(
  old: Buffer,
  versions: readonly Buffer[],
  share: number,
  random: Random,
  rates: SectorRates,
): { readonly fate: SectorFate; readonly bytes: Buffer } {
  const last = versions.at(-1) ?? old;
  const luck = random.unit();
  if (luck < rates.zero) return { fate: 'zero', bytes: zeroSector };
  if (luck < rates.zero + rates.garbage) {
    return { fate: 'garbage', bytes: garbageOf(old, last, random) };
  }
  if (random.chance(share)) return { fate: 'new', bytes: last };
  return { fate: 'old', bytes: random.pick([old, ...versions.slice(0, -1)]) };
}

/** Anything at all, or a sector that was shorn: new up to some byte, old from there. */
function garbageOf(old: Buffer, last: Buffer, random: Random): Buffer {
  if (random.chance(0.5)) return Buffer.from(random.bytes(sectorBytes));
  const shorn = Buffer.from(old);
  last.copy(shorn, 0, 0, random.between(1, sectorBytes - 1));
  return shorn;
}
