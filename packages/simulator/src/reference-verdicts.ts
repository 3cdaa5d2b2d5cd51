/**
 * The table of verdicts, a second time: what the design says, in as few lines as it takes.
 *
 * Owns    a record and its change by each command, written from docs/architecture.md (the road of one signature,
 *         leaving and entering) and not from the code that it is compared with.
 * Never   imports the code under test but for its types.
 */
import type { Command, Hrs, Position, RegisterChain, Verdict } from '@cometkms/sign-state';
import { readSigned, type SignedBytes } from './signed-bytes.js';

export interface ReferenceRecord {
  readonly last: { readonly hrs: Hrs; readonly bytes: string; readonly content: string } | null;
  readonly floor: Position | null;
  readonly haltHeight: bigint | null;
  readonly maxHeightJump: bigint;
  readonly cutoverWindow: bigint;
  readonly guarded: boolean;
  readonly neverSigned: boolean;
  readonly retired: boolean;
}

export interface AskedBytes extends SignedBytes {
  /** The whole of it, hex. */
  readonly bytes: string;
}

export type VerdictKind = Verdict['kind'];

/** Where a key that never signed may begin. */
const firstHeightLimit = 1_000_000_000n;

export const isAbove = (x: Position, y: Position): boolean =>
  x.height !== y.height
    ? x.height > y.height
    : x.round !== y.round
      ? x.round > y.round
      : x.step > y.step;

export const isSamePlace = (x: Position, y: Position): boolean =>
  x.height === y.height && x.round === y.round && x.step === y.step;

/** The higher of last and floor. */
export function topOf({ last, floor }: ReferenceRecord): Position | null {
  if (last === null || floor === null) return last?.hrs ?? floor;
  return isAbove(floor, last.hrs) ? floor : last.hrs;
}

export function asked(bytes: Uint8Array): AskedBytes | null {
  const signed = readSigned(bytes);
  return signed === null ? null : { ...signed, bytes: Buffer.from(bytes).toString('hex') };
}

/** In the order of the design's table. */
export function verdictOf(record: ReferenceRecord | undefined, it: AskedBytes): VerdictKind {
  if (record === undefined) return 'unregistered';
  const { last, floor, haltHeight } = record;
  if (record.retired) return 'retired';
  if (haltHeight !== null && it.hrs.height >= haltHeight) return 'halted';
  if (floor !== null && !isAbove(it.hrs, floor)) return 'regressed';
  if (last !== null && isAbove(last.hrs, it.hrs)) return 'regressed';
  if (last !== null && isSamePlace(last.hrs, it.hrs)) {
    if (last.bytes === it.bytes) return 'repeated';
    return last.content === it.content ? 'retimed' : 'conflict';
  }
  const base = topOf(record)?.height ?? 0n;
  const isFirst = record.neverSigned && last === null;
  const reach = base + record.maxHeightJump;
  if (it.hrs.height > (isFirst && reach < firstHeightLimit ? firstHeightLimit : reach))
    return 'leap';
  if (record.guarded && it.hrs.height > base + record.cutoverWindow) return 'cutover';
  return 'granted';
}

/** The record after a committed command; the same object where nothing changes. */
export function after(
  record: ReferenceRecord | undefined,
  command: Command,
): ReferenceRecord | undefined {
  if (command.kind === 'registerChain') return record ?? registered(command);
  if (record === undefined) return undefined;
  if (command.kind === 'reserve') {
    const it = asked(command.signBytes);
    if (it === null || verdictOf(record, it) !== 'granted') return record;
    return { ...record, last: it, guarded: false };
  }
  if (command.kind === 'retire') return record.retired ? record : { ...record, retired: true };
  if (record.retired) return record;
  switch (command.kind) {
    case 'raiseFloor': {
      const { floor, endsCutover } = command;
      if (record.floor !== null && !isAbove(floor, record.floor)) return record;
      const top = topOf(record);
      const covers = top === null || !isAbove(top, floor);
      return { ...record, floor, guarded: record.guarded && !(endsCutover && covers) };
    }
    case 'setLimits':
      return { ...record, ...command.limits };
    case 'setHaltHeight':
      return { ...record, haltHeight: command.height };
  }
}

function registered({ start, limits }: RegisterChain): ReferenceRecord {
  const it = start.kind === 'imported' && start.signBytes !== null ? asked(start.signBytes) : null;
  return {
    last: it,
    floor: start.kind === 'imported' && it === null ? start.position : null,
    haltHeight: null,
    maxHeightJump: limits.maxHeightJump,
    cutoverWindow: limits.cutoverWindow,
    guarded: start.kind === 'imported',
    neverSigned: start.kind === 'neverSigned',
    retired: false,
  };
}
