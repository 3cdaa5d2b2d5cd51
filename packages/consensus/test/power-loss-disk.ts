/**
 * A disk in memory that forgets what was not synced, as a real one does when the power fails.
 *
 * Owns    the fault model of the log's tests. On a loss of power each sector that was written and not
 *         synced is kept or lost on its own, and so is each change of the directory; a sector is never
 *         half written. A kill keeps all, as the kernel's cache does. A failed write stands in the cache,
 *         marked clean, and no later sync will bring it to the disk.
 * Never   loses or changes what was synced: such faults are made by the tests, byte by byte.
 */
import type { LogFile, LogFiles, OpenOptions } from '../src/wal/index.js';

const SECTOR = 512;

interface Pending {
  readonly position: number;
  readonly bytes: Buffer;
}

interface Inode {
  /** What a reader sees. */
  cached: Buffer;
  /** What is on the disk for certain. */
  durable: Buffer;
  /** What may or may not be on it, in the order of writing. */
  pending: Pending[];
}

type Names = Map<string, Inode>;
type Change = (names: Names) => void;

export interface Call {
  /** Counts all calls that change something, from 0. */
  readonly at: number;
  readonly kind: 'create' | 'write' | 'sync' | 'rename' | 'remove' | 'syncDirectory';
  readonly name: string;
}

/** `crash`: the power fails during the call. `short`: a write takes one sector. */
export type Fate = 'good' | 'crash' | 'error' | 'short';

export class PowerOff extends Error {}

const over = (under: Buffer, { position, bytes }: Pending): Buffer => {
  const grown = Buffer.alloc(Math.max(under.length, position + bytes.length));
  under.copy(grown);
  bytes.copy(grown, position);
  return grown;
};

/** 0 loses all that was not synced, 1 keeps it, else each is drawn. */
export type Luck = () => boolean;
export const allLost: Luck = () => false;
export const allKept: Luck = () => true;
export function drawn(seed: number): Luck {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >= 0x80000000;
  };
}

export class PowerLossDisk {
  calls = 0;
  #off = false;
  #names: Names;
  #durableNames: Names;
  #changes: Change[] = [];

  constructor(
    private readonly fate: (call: Call) => Fate = () => 'good',
    names: Names = new Map(),
  ) {
    this.#names = new Map(names);
    this.#durableNames = new Map(names);
  }

  /** What the machine finds when the power is back. */
  afterPowerLoss(luck: Luck, fate?: (call: Call) => Fate): PowerLossDisk {
    const names = new Map(this.#durableNames);
    for (const change of this.#changes) if (luck()) change(names);
    const survived: Names = new Map();
    for (const [name, inode] of names) {
      let bytes = inode.durable;
      for (const write of inode.pending) bytes = survivorsOf(bytes, write, luck);
      survived.set(name, { cached: bytes, durable: bytes, pending: [] });
    }
    return new PowerLossDisk(fate, survived);
  }

  /** The process died and the kernel lives: all is seen, and what was not synced is still not. */
  afterKill(fate?: (call: Call) => Fate): PowerLossDisk {
    const copies = new Map<Inode, Inode>();
    const copied = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? { ...inode, pending: [...inode.pending] };
      copies.set(inode, copy);
      return copy;
    };
    const copiedNames = (names: Names): Names =>
      new Map([...names].map(([name, inode]) => [name, copied(inode)]));
    const next = new PowerLossDisk(fate);
    next.#names = copiedNames(this.#names);
    next.#durableNames = copiedNames(this.#durableNames);
    // A change that was not synced may still be lost, or not: replayed as "becomes what is seen".
    const seen = next.#names;
    if (this.#changes.length > 0) {
      next.#changes = [
        (names) => {
          names.clear();
          for (const [name, inode] of seen) names.set(name, inode);
        },
      ];
    }
    return next;
  }

  /** For tests that damage something. */
  contents(name: string): Buffer | null {
    return this.#names.get(name)?.cached ?? null;
  }

  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Puts a file there, durably. */
  place(name: string, bytes: Buffer): void {
    const inode = { cached: bytes, durable: bytes, pending: [] };
    this.#names.set(name, inode);
    this.#durableNames.set(name, inode);
  }

  /** Takes a file away, durably. */
  lose(name: string): void {
    this.#names.delete(name);
    this.#durableNames.delete(name);
  }

  readonly files: LogFiles = {
    path: 'simulated',
    makeDirectory: async () => {},
    list: async () => this.names(),
    read: async (name) => this.contents(name),
    open: async (name, options) => this.#open(name, options),
    rename: async (from, to) => {
      const inode = this.#find(from);
      this.#call('rename', to, () =>
        this.#change((names) => {
          names.set(to, inode);
          names.delete(from);
        }),
      );
    },
    remove: async (name) => {
      this.#find(name);
      this.#call('remove', name, () => this.#change((names) => names.delete(name)));
    },
    syncDirectory: async () => {
      const fate = this.#begin('syncDirectory', '');
      if (fate !== 'good') throw new PowerOff('syncDirectory');
      this.#durableNames = new Map(this.#names);
      this.#changes = [];
    },
  };

  #open(name: string, { content, durable }: OpenOptions): LogFile {
    const there = this.#names.get(name);
    if (there === undefined && content === 'existing') throw new Error(`ENOENT ${name}`);
    const fresh = there === undefined || content === 'replace';
    const inode = fresh
      ? { cached: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] }
      : there;
    if (fresh) this.#call('create', name, () => this.#change((names) => names.set(name, inode)));
    return {
      write: async (bytes, position) => this.#write(name, inode, { bytes, position }, durable),
      sync: async () => this.#call('sync', name, () => this.#flush(inode)),
      close: async () => {},
    };
  }

  #write(
    name: string,
    inode: Inode,
    asked: { bytes: Uint8Array; position: number },
    durable: boolean,
  ): number {
    const fate = this.#begin('write', name);
    const taken = fate === 'short' ? Math.min(SECTOR, asked.bytes.length) : asked.bytes.length;
    const write = { bytes: Buffer.from(asked.bytes.subarray(0, taken)), position: asked.position };
    inode.cached = over(inode.cached, write);
    if (fate === 'error') throw new Error(`EIO: write ${name}`);
    if (fate === 'crash' || !durable) inode.pending.push(write);
    else inode.durable = over(inode.durable, write);
    if (fate === 'crash') throw new PowerOff(`write ${name}`);
    return taken;
  }

  #flush(inode: Inode): void {
    // In order: a later write of the same place wins.
    for (const write of inode.pending) inode.durable = over(inode.durable, write);
    inode.pending = [];
  }

  #find(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw new Error(`ENOENT ${name}`);
    return inode;
  }

  #change(change: Change): void {
    change(this.#names);
    this.#changes.push(change);
  }

  /** A sync that crashes did nothing for certain; any other change may have happened. */
  #call(kind: Call['kind'], name: string, effect: () => void): void {
    const fate = this.#begin(kind, name);
    if (fate === 'error') throw new Error(`EIO: ${kind} ${name}`);
    if (fate !== 'crash' || kind !== 'sync') effect();
    if (fate === 'crash') throw new PowerOff(`${kind} ${name}`);
  }

  #begin(kind: Call['kind'], name: string): Fate {
    if (this.#off) throw new PowerOff('the power is off');
    const fate = this.fate({ at: this.calls, kind, name });
    this.calls += 1;
    if (fate === 'crash') this.#off = true;
    return fate;
  }
}

function survivorsOf(under: Buffer, { position, bytes }: Pending, luck: Luck): Buffer {
  let result = under;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + SECTOR - ((position + at) % SECTOR));
    if (luck()) result = over(result, { position: position + at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return result;
}
