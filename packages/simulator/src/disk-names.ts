/**
 * The names on a simulated disk.
 *
 * Owns    which file each name means, for a process and on the disk, and the changes between that no sync of their
 *         directory has made durable.
 * Never   loses a directory, or makes a rename half.
 * Fault   The model is told at the head of disk.ts.
 */
import { dirname } from 'node:path/posix';
import { drawShare, Inode } from './disk-inode.js';
import type { Random } from './random.js';

/** What a call does to the names. */
export type NameCall =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string };

interface NameChange {
  readonly call: NameCall;
  readonly inode: Inode;
}

type Names = Map<string, Inode>;

const pathOf = (call: NameCall): string => (call.kind === 'rename' ? call.to : call.path);

/** An error as the system gives it. */
export function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

export class DiskNames {
  #seen: Names = new Map();
  #durable: Names = new Map();
  #changes: NameChange[] = [];

  paths(): string[] {
    return [...this.#seen.keys()];
  }

  get(path: string): Inode | undefined {
    return this.#seen.get(path);
  }

  /** @throws ENOENT */
  find(path: string): Inode {
    const inode = this.#seen.get(path);
    if (inode === undefined) throw systemError('ENOENT', path);
    return inode;
  }

  /** @throws ENOENT, EEXIST */
  apply(call: NameCall): Inode {
    if (call.kind === 'create' && this.#seen.has(call.path)) throw systemError('EEXIST', call.path);
    const inode =
      call.kind === 'create'
        ? new Inode(call.path)
        : this.find(call.kind === 'rename' ? call.from : call.path);
    const change = { call, inode };
    perform(this.#seen, change);
    this.#changes.push(change);
    inode.path = pathOf(call);
    return inode;
  }

  /** @returns what became durable */
  sync(directory: string): readonly NameCall[] {
    const due = this.#take(directory);
    for (const change of due) perform(this.#durable, change);
    return due.map(({ call }) => call);
  }

  /** The sync met an error: some changes reached the disk, and of the others no later sync knows. */
  giveUp(directory: string, random: Random): void {
    for (const change of this.#take(directory)) {
      if (random.chance(0.5)) perform(this.#durable, change);
    }
  }

  /** What the machine finds when the power is back, of the names. @returns the files that are there */
  losePower(random: Random): ReadonlySet<Inode> {
    const share = drawShare(random);
    for (const change of this.#changes) {
      if (random.chance(share)) perform(this.#durable, change);
    }
    this.#changes = [];
    this.#seen = new Map(this.#durable);
    return new Set(this.#durable.values());
  }

  /** @param copies  gets each file's copy, for what refers to the original */
  copy(copies: Map<Inode, Inode>): DiskNames {
    const copied = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? inode.copy();
      copies.set(inode, copy);
      return copy;
    };
    const copiedNames = (names: Names): Names =>
      new Map([...names].map(([path, inode]) => [path, copied(inode)]));
    const copy = new DiskNames();
    copy.#seen = copiedNames(this.#seen);
    copy.#durable = copiedNames(this.#durable);
    copy.#changes = this.#changes.map(({ call, inode }) => ({ call, inode: copied(inode) }));
    return copy;
  }

  /** As if they had never been: no call of a process. */
  wipe(gone: (path: string) => boolean): void {
    for (const names of [this.#seen, this.#durable]) {
      for (const path of [...names.keys()]) if (gone(path)) names.delete(path);
    }
    this.#changes = this.#changes.filter(({ call }) => !gone(pathOf(call)));
  }

  #take(directory: string): readonly NameChange[] {
    const due = this.#changes.filter(({ call }) => dirname(pathOf(call)) === directory);
    this.#changes = this.#changes.filter((change) => !due.includes(change));
    return due;
  }
}

function perform(names: Names, { call, inode }: NameChange): void {
  if (call.kind === 'create') names.set(call.path, inode);
  else if (call.kind === 'remove') names.delete(call.path);
  else {
    names.set(call.to, inode);
    names.delete(call.from);
  }
}
