/**
 * The disk of one simulated replica: the edge that stands for its file system.
 *
 * Owns    names and bytes over any number of processes, and every fault of them.
 * Fault   A call takes some time, and now and then 1 ms to 10 s; `hang` holds all of them up. It takes effect when its
 *         result is handed over.
 *         kill -9: the page cache is kept. A write under way is in it or not, sector by sector; a name being made,
 *         changed or removed is or is not.
 *         Power loss: of what was not synced each sector becomes old, new, zero or garbage (anything, or new up to some
 *         byte and old from there) on its own; so do lengths and changes of names, each old or new.
 *         A write takes fewer bytes than it was given: up to the edge of a sector, or where it has but one up to
 *         anywhere; where the rest then does not come, that sector is shorn (`shorn`). A full disk takes what fits,
 *         then says ENOSPC; what is there already can be written again.
 *         EIO at a read, a write or a sync. What was to be written is then given up: some of it is on the disk, the
 *         cache may show it or not, and the next sync knows nothing of it and says success.
 *         Names are the file system's own: where their sync fails its journal has failed, and it lets nothing be
 *         changed any more until the machine starts anew (EROFS), as ext4 and XFS do.
 *         A synced write lands elsewhere: in another place, of any file, or in none. The cache shows it where it was
 *         meant to be, until the power fails.
 *         At rest a bit flips. A whole old copy is put back (`snapshot`, `restore`); another machine has a copy
 *         (`clone`); files are gone (`wipe`).
 * Never   loses what was synced, unless a rate or a call above says so; loses a directory; or tears a rename. A sector
 *         that was being written with the bytes that it had stays: else no log could write a frame anew to be certain
 *         of it, as the real one does when it opens.
 *         What a dead process asks for does not happen and has no end.
 * Proof   consensus/conformance/storage.ts, signer/conformance/durable-files.ts; test/disk.test.ts (each fault).
 */
import { invariant } from '@cometkms/invariant';
import { type DiskCall, endPower, endProcess } from './disk-endings.js';
import { type DiskEvent, type DiskFault, type DiskRates, soundDisk } from './disk-faults.js';
import { type Inode, sectorBytes, shortened, type Write } from './disk-inode.js';
import { MountedDisk } from './disk-mount.js';
import { DiskNames, type NameCall, systemError } from './disk-names.js';
import type { EventLoop } from './event-loop.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

export interface DiskOptions {
  readonly timeline: Timeline;
  /** The disk's own; it forks what it needs. */
  readonly random: Random;
  readonly observe?: (event: DiskEvent) => void;
}

/** A whole disk at one moment, as a machine would find it after a loss of power then. */
export class DiskImage {
  constructor(
    /** Nobody writes to these. */
    readonly names: DiskNames,
    readonly temporaries: number,
  ) {}
}

/** The longest that a single call stalls is a millisecond times ten to this. */
const stallDecades = 4;

export class SimulatedDisk {
  /** May be changed at any time. */
  rates: DiskRates = soundDisk;
  capacityBytes = Number.POSITIVE_INFINITY;

  readonly #timeline: Timeline;
  readonly #latency: Random;
  readonly #faults: Random;
  readonly #endings: Random;
  readonly #observe: ((event: DiskEvent) => void) | null;
  #names = new DiskNames();
  #underWay = new Set<DiskCall>();
  #hungUntil = 0;
  #temporaries = 0;
  #readOnly = false;
  #loop: EventLoop | null = null;

  constructor({ timeline, random, observe }: DiskOptions) {
    this.#timeline = timeline;
    this.#latency = random.fork('latency');
    this.#faults = random.fork('faults');
    this.#endings = random.fork('endings');
    this.#observe = observe ?? null;
  }

  get usedBytes(): number {
    return this.paths().reduce((sum, path) => sum + this.#names.find(path).length, 0);
  }

  /** Some process has it: the replica, or an operator's tool that writes a file. */
  get isInUse(): boolean {
    return this.#loop?.alive === true;
  }

  /** A process starts that lives with this disk; the one before is dead, or died at this moment. */
  mount(loop: EventLoop): MountedDisk {
    invariant(this.#loop?.alive !== true, 'one process has a disk');
    this.kill();
    this.#loop = loop;
    return new MountedDisk(this, loop);
  }

  // ------------------------------------------------------------------------------- endings

  /** The process is dead, the kernel lives. Called once more by `mount`, for who forgot. */
  kill(): void {
    this.#leaveAll();
    endProcess(this.#names, this.#underWay, null, this.#endings);
    this.#release();
  }

  /** The machine is dead, and with it the process. */
  losePower(): void {
    this.#leaveAll();
    const ending = { random: this.#endings, rates: this.rates };
    for (const [inode, fates] of endPower(this.#names, this.#underWay, null, ending)) {
      this.#tell(() => ({ kind: 'powerLost', path: inode.path, fates }));
    }
    this.#readOnly = false;
    this.#release();
  }

  /** A copy for later, taken under the feet of the process. Drawn as after a loss of power; nothing here changes. */
  snapshot(): DiskImage {
    const copies = new Map<Inode, Inode>();
    const names = this.#names.copy(copies);
    endPower(names, this.#underWay, copies, { random: this.#endings, rates: this.rates });
    return new DiskImage(names, this.#temporaries);
  }

  /** The process is dead. All that was written since is gone. */
  restore(image: DiskImage): void {
    invariant(this.#loop?.alive !== true, 'a disk is put back when no process has it');
    this.#release();
    this.#names = image.names.copy(new Map());
    this.#temporaries = image.temporaries;
    this.#readOnly = false;
  }

  /** The process is dead. These files are gone, as from a disk that was replaced. */
  wipe(gone: (path: string) => boolean): void {
    invariant(this.#loop?.alive !== true, 'a disk is wiped when no process has it');
    this.#release();
    this.#names.wipe(gone);
  }

  /** Another disk with the same contents, for a second process. */
  clone(options: DiskOptions): SimulatedDisk {
    const other = new SimulatedDisk(options);
    other.restore(this.snapshot());
    other.rates = this.rates;
    other.capacityBytes = this.capacityBytes;
    return other;
  }

  /** Whatever the process still asks for does not happen. */
  #release(): void {
    this.#underWay = new Set();
    this.#loop = null;
  }

  // -------------------------------------------------------------------------------- faults

  /** No call ends before this much of the world's time has passed. */
  hang(ms: number): void {
    this.#hungUntil = Math.max(this.#hungUntil, this.#timeline.now + ms);
  }

  /**
   * One bit on the disk changes, each as likely as another.
   * @param among  which files; all, unless told
   * @returns its file, or null: there is no byte
   */
  flipBit(among: (path: string) => boolean = () => true): string | null {
    const files = this.paths().filter(among);
    const total = files.reduce((sum, path) => sum + this.#names.find(path).length, 0);
    // Most of a log is blank, where a flip is soon told: rather where something is written.
    for (let tries = 0; tries < 8; tries += 1) {
      const place = this.#placeAt(files, this.#faults.between(0, Math.max(0, total - 1)));
      if (place === null) return null;
      const sector = place.byte - (place.byte % sectorBytes);
      const bytes = place.inode.read().subarray(sector, sector + sectorBytes);
      if (tries < 7 && bytes.every((byte) => byte === 0)) continue;
      place.inode.flip(place.byte * 8 + this.#faults.between(0, 7));
      this.#fault('bitFlip', place.path);
      return place.path;
    }
    return null;
  }

  /**
   * As `flipBit`, in the last sector that is not blank, or in one of the three before it.
   * @returns null: there is none
   */
  flipLast(among: (path: string) => boolean): string | null {
    for (const path of this.paths().filter(among).reverse()) {
      const inode = this.#names.find(path);
      const last = inode.read().findLastIndex((byte) => byte !== 0);
      if (last < 0) continue;
      const back = sectorBytes * this.#faults.between(0, 3);
      const byte = Math.max(0, last - (last % sectorBytes) - back);
      inode.flip(byte * 8 + this.#faults.between(0, sectorBytes * 8 - 1));
      this.#fault('bitFlip', path);
      return path;
    }
    return null;
  }

  #placeAt(files: readonly string[], byte: number) {
    let at = byte;
    for (const path of files) {
      const inode = this.#names.find(path);
      if (at < inode.length) return { path, inode, byte: at };
      at -= inode.length;
    }
    return null;
  }

  // --------------------------------------------------------------------------- looking in

  /** Its file system gave up: until the machine starts anew. */
  get isReadOnly(): boolean {
    return this.#readOnly;
  }

  /** As a process would see them. */
  paths(): string[] {
    return this.#names.paths().sort();
  }

  contents(path: string): Buffer | null {
    return this.#names.get(path)?.read() ?? null;
  }

  // ----------------------------------------------------------------- for the mounted disk

  nextTemporary(): number {
    this.#temporaries += 1;
    return this.#temporaries;
  }

  /** `effect` happens, and its result arrives, once the call has taken its time. */
  call<T>(loop: EventLoop, call: DiskCall, effect: () => T): Promise<T> {
    if (!loop.alive || loop !== this.#loop) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      this.#underWay.add(call);
      const arrive = (): void => {
        const hung = this.#hungUntil - this.#timeline.now;
        if (hung > 0) {
          loop.arrive(hung, arrive);
          return;
        }
        // Not there: power or process ended, and what became of it was drawn then.
        if (!this.#underWay.delete(call)) return;
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      };
      loop.arrive(this.#takesMs(call), arrive);
    });
  }

  list(directory: string): string[] {
    const start = `${directory}/`;
    return this.paths()
      .filter((path) => path.startsWith(start) && !path.slice(start.length).includes('/'))
      .map((path) => path.slice(start.length));
  }

  /** Null: there is no such file. @throws EIO */
  read(path: string): Buffer | null {
    const inode = this.#names.get(path);
    if (inode === undefined) return null;
    if (this.#happens('readError')) throw this.#failed('readError', path);
    return inode.read();
  }

  find(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  /** @throws ENOENT, EEXIST, ENOSPC */
  name(call: NameCall): Inode {
    this.#refuseReadOnly(call.kind === 'rename' ? call.to : call.path);
    if (call.kind === 'create' && this.#freeBytes() <= 0) {
      this.#fault('full', call.path);
      throw systemError('ENOSPC', call.path);
    }
    return this.#names.apply(call);
  }

  /** @throws EIO */
  syncDirectory(directory: string): void {
    if (this.#happens('syncError')) {
      this.#names.giveUp(directory, this.#faults);
      this.#readOnly = true;
      throw this.#failed('syncError', directory);
    }
    this.#refuseReadOnly(directory);
    for (const call of this.#names.sync(directory)) this.#tell(() => ({ kind: 'named', call }));
  }

  /** @returns how many bytes were taken. @throws EIO, ENOSPC */
  write(inode: Inode, asked: Write, durable: boolean): number {
    this.#refuseReadOnly(inode.path);
    const write = this.#taken(inode, asked);
    const endsWithin =
      write.length < asked.length && (write.position + write.length) % sectorBytes !== 0;
    if (this.#happens('writeError')) {
      inode.isShorn ||= endsWithin;
      this.#leave(inode);
      inode.write(write);
      inode.giveUp(this.#faults, write);
      throw this.#failed('writeError', inode.path);
    }
    if (!durable) inode.write(write);
    else if (this.#happens('misdirected')) this.#misdirect(inode, write);
    else {
      inode.writeDurably(write);
      inode.isShorn = endsWithin;
      const { position: at, length: bytes } = write;
      this.#tell(() => ({ kind: 'written', path: inode.path, at, bytes }));
    }
    return write.length;
  }

  /** @throws EIO */
  sync(inode: Inode): void {
    this.#refuseReadOnly(inode.path);
    if (this.#happens('syncError')) {
      inode.giveUp(this.#faults, null);
      throw this.#failed('syncError', inode.path);
    }
    const sectors = inode.pendingSectors;
    inode.sync();
    this.#tell(() => ({ kind: 'synced', path: inode.path, sectors }));
  }

  // -------------------------------------------------------------------------------- inside

  /** As much of it as the disk has room for, or a part for no reason. */
  #taken(inode: Inode, asked: Write): Write {
    const end = asked.position + asked.length;
    const room = Math.max(inode.length, inode.length + this.#freeBytes());
    if (end > room) {
      this.#fault('full', inode.path);
      const fits = room - (room % sectorBytes) - asked.position;
      if (fits <= 0) throw systemError('ENOSPC', inode.path);
      return shortened(asked, fits);
    }
    if (asked.length > 1 && this.#happens('shortWrite')) {
      this.#fault('shortWrite', inode.path);
      const first = Math.floor(asked.position / sectorBytes) + 1;
      const last = Math.ceil(end / sectorBytes) - 1;
      // Within one sector it ends anywhere.
      if (first > last) return shortened(asked, this.#faults.between(1, asked.length - 1));
      return shortened(asked, this.#faults.between(first, last) * sectorBytes - asked.position);
    }
    return asked;
  }

  #leaveAll(): void {
    for (const path of this.paths()) this.#leave(this.#names.find(path));
  }

  /** Nobody writes on where a write was short. Told, too, where the rest was under way and came. */
  #leave(inode: Inode): void {
    if (inode.isShorn) this.#fault('shorn', inode.path);
    inode.isShorn = false;
  }

  #misdirect(inode: Inode, write: Write): void {
    inode.writeInVain(write);
    this.#fault('misdirected', inode.path);
    // Past the end of the file drawn, it hits none of ours.
    const other = this.#names.find(this.#faults.pick(this.paths()));
    const sector = this.#faults.between(0, Math.ceil((other.length * 5) / 4 / sectorBytes));
    other.hit({ ...write, position: sector * sectorBytes });
  }

  #freeBytes(): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return this.capacityBytes;
    return this.capacityBytes - this.usedBytes;
  }

  #takesMs({ waits, path }: DiskCall): number {
    const mean = waits === 'disk' ? this.rates.diskMs : this.rates.cacheMs;
    const usual = 0.3 * mean + this.#latency.exponential(0.7 * mean);
    if (!this.#happens('stall')) return usual;
    this.#fault('stall', path);
    return usual + 10 ** this.#latency.range(0, stallDecades);
  }

  /** @throws EROFS */
  #refuseReadOnly(path: string): void {
    if (!this.#readOnly) return;
    this.#fault('readOnly', path);
    throw systemError('EROFS', path);
  }

  #happens(fault: Exclude<DiskFault, 'shorn' | 'full' | 'readOnly' | 'bitFlip'>): boolean {
    const rate = this.rates[fault];
    return rate > 0 && this.#faults.chance(rate);
  }

  #failed(fault: DiskFault, path: string): Error {
    this.#fault(fault, path);
    return systemError('EIO', `${fault} ${path}`);
  }

  #fault(fault: DiskFault, path: string): void {
    this.#tell(() => ({ kind: 'fault', fault, path }));
  }

  #tell(event: () => DiskEvent): void {
    this.#observe?.(event());
  }
}
