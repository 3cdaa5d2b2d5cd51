/**
 * The small world of this room's tests: a few chains, keys, blocks and moments, so that things collide.
 *
 * Owns    how a test names a request (`ask(7, 1, 'prevote', 'X')`), and the bytes that belong to it.
 * Never   judges anything.
 */
import {
  type BlockId,
  type Limits,
  proposalSignBytes,
  type RecordId,
  type RegisterChain,
  type Reserve,
  type StartingPoint,
  type Step,
  voteSignBytes,
} from '../src/index.js';

export type Block = 'nil' | 'X' | 'Y';
export type Kind = 'proposal' | 'prevote' | 'precommit';

export const STEP: Readonly<Record<Kind, Step>> = { proposal: 1, prevote: 2, precommit: 3 };
export const LIMITS: Limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n };

export const idOf = (chainId: string, keyByte: number): RecordId => ({
  chainId,
  key: { type: 'ed25519', bytes: new Uint8Array(32).fill(keyByte) },
});
export const ID = idOf('test-1', 1);

export function blockOf(block: Block): BlockId | null {
  if (block === 'nil') return null;
  const hash = new Uint8Array(32).fill(block.charCodeAt(0));
  return { hash, partSetHeader: { total: 1, hash } };
}

/** Everything that a request says, in the test's own words. */
export interface Asking {
  readonly id: RecordId;
  readonly height: bigint;
  readonly round: number;
  readonly kind: Kind;
  readonly block: Block;
  readonly polRound: number;
  /** Seconds. */
  readonly time: number;
}

export function bytesFor(asking: Asking): Uint8Array {
  const { id, height, round, kind, polRound } = asking;
  const timestamp = { seconds: BigInt(asking.time), nanos: 0 };
  const blockId = blockOf(asking.block);
  if (kind === 'proposal') {
    return proposalSignBytes(id.chainId, { height, round, polRound, blockId, timestamp });
  }
  const type = kind === 'prevote' ? 1 : 2;
  return voteSignBytes(id.chainId, { type, height, round, blockId, timestamp });
}

export function reserveOf(asking: Asking): Reserve {
  const { id, height, round, kind } = asking;
  const hrs = { height, round, step: STEP[kind] };
  return { kind: 'reserve', id, hrs, signBytes: bytesFor(asking), by: 'a', at: 1_700_000_000_000 };
}

export function asking(
  height: number | bigint,
  round: number,
  kind: Kind,
  block: Block,
  more: Partial<Asking> = {},
): Asking {
  return { id: ID, height: BigInt(height), round, kind, block, polRound: -1, time: 1, ...more };
}

export function ask(...said: Parameters<typeof asking>): Reserve {
  return reserveOf(asking(...said));
}

export function registration(
  start: StartingPoint,
  more: Partial<RegisterChain> = {},
): RegisterChain {
  return { kind: 'registerChain', id: ID, start, limits: LIMITS, by: 'a', at: 5, ...more };
}

/** An import of what `ask` would have reserved, with its bytes or without. */
export function importOf(request: Reserve, bytes: 'withBytes' | 'withoutBytes'): StartingPoint {
  const signBytes = bytes === 'withBytes' ? request.signBytes : null;
  return { kind: 'imported', position: request.hrs, signBytes };
}
