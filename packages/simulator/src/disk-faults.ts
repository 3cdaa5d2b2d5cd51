/**
 * What can go wrong with a simulated disk: how often, and what an observer hears of it.
 *
 * Owns    names of faults, and their chances.
 * Never   draws or does any: disk.ts, whose head tells what each of them is.
 */
import type { SectorFates, SectorRates } from './disk-inode.js';
import type { NameCall } from './disk-names.js';

/** Times are means in milliseconds, the rest chances: of each call; `zero` and `garbage` of each sector. */
export interface DiskRates extends SectorRates {
  /** Of a call that waits for the disk, and of one that the page cache answers. */
  readonly diskMs: number;
  readonly cacheMs: number;
  readonly stall: number;
  readonly readError: number;
  readonly writeError: number;
  readonly syncError: number;
  readonly shortWrite: number;
  readonly misdirected: number;
}

/** Nothing goes wrong but that power and processes end. */
export const soundDisk: DiskRates = {
  ...{ diskMs: 0.4, cacheMs: 0.02, stall: 0 },
  ...{ readError: 0, writeError: 0, syncError: 0 },
  ...{ shortWrite: 0, misdirected: 0, zero: 0, garbage: 0 },
};

export type DiskFault =
  | 'stall'
  | 'readError'
  | 'writeError'
  | 'syncError'
  | 'shortWrite'
  | 'shorn'
  | 'misdirected'
  | 'full'
  | 'readOnly'
  | 'bitFlip';

/** What an observer hears. The first three are changes made durable. */
export type DiskEvent =
  | { readonly kind: 'written'; readonly path: string; readonly at: number; readonly bytes: number }
  | { readonly kind: 'synced'; readonly path: string; readonly sectors: number }
  | { readonly kind: 'named'; readonly call: NameCall }
  | { readonly kind: 'fault'; readonly fault: DiskFault; readonly path: string }
  | { readonly kind: 'powerLost'; readonly path: string; readonly fates: SectorFates };
