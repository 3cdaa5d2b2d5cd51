/**
 * What becomes of the calls that are under way, and of the whole disk, when a process or the power ends.
 *
 * Owns    the order: first each call gets as far as it came, then the power takes what was not synced.
 * Never   touches a disk when it works on a copy of it.
 * Fault   The model is told at the head of disk.ts.
 */
import {
  drawShare,
  type Inode,
  type SectorFates,
  type SectorRates,
  type Write,
} from './disk-inode.js';
import type { DiskNames, NameCall } from './disk-names.js';
import type { Random } from './random.js';

/** What may or may not have happened if its process dies first; null: nothing that lasts. */
export type UnderWay = { readonly inode: Inode; readonly write: Write } | NameCall | null;

export interface DiskCall {
  readonly path: string;
  readonly waits: 'disk' | 'cache';
  readonly underWay: UnderWay;
}

/** Which file of a copied disk stands for which of the original; null: it is the original. */
type Copies = ReadonlyMap<Inode, Inode> | null;

export function endProcess(
  names: DiskNames,
  calls: ReadonlySet<DiskCall>,
  copies: Copies,
  random: Random,
): void {
  for (const { underWay } of calls) {
    if (underWay === null) continue;
    if ('write' in underWay) {
      const share = drawShare(random);
      const { inode, write } = underWay;
      const target = copies === null ? inode : copies.get(inode);
      target?.write(write, () => random.chance(share));
    } else if (random.chance(0.5)) {
      perform(names, underWay);
    }
  }
}

/** Another call under way may have been first: then there is nothing left to do. */
function perform(names: DiskNames, call: NameCall): void {
  const there = names.get(call.kind === 'rename' ? call.from : call.path) !== undefined;
  if (there !== (call.kind === 'create')) names.apply(call);
}

/** @returns what became of the sectors of each file that is there */
export function endPower(
  names: DiskNames,
  calls: ReadonlySet<DiskCall>,
  copies: Copies,
  ending: { readonly random: Random; readonly rates: SectorRates },
): ReadonlyMap<Inode, SectorFates> {
  const { random, rates } = ending;
  endProcess(names, calls, copies, random);
  const files = [...names.losePower(random)];
  return new Map(files.map((inode) => [inode, inode.losePower(random, rates)]));
}
