/**
 * What the suites sign: sign bytes by a letter and a second.
 *
 * Owns    names for requests. The same letter at two times is the same content, two letters are two contents.
 * Never   asserts anything.
 */
import { randomBytes } from 'node:crypto';
import {
  type Hrs,
  type Limits,
  proposalSignBytes,
  type RecordId,
  type Step,
  voteSignBytes,
} from '@cometkms/sign-state';
import type { Committed, ReservationStore } from '../seams.js';

export const suiteLimits: Limits = { maxHeightJump: 1_000n, cutoverWindow: 100n };

/** A record that no test before has touched, so that all tests may share one store. */
export function freshId(): RecordId {
  const name = randomBytes(6).toString('hex');
  return { chainId: `suite-${name}`, key: { type: 'ed25519', bytes: randomBytes(32) } };
}

export function position(height: number, round = 0, step: Step = 2): Hrs {
  return { height: BigInt(height), round, step };
}

/** @param block one letter; null: nil */
export function suiteBytes(id: RecordId, at: Hrs, block: string | null, seconds = 0): Uint8Array {
  const { height, round, step } = at;
  const hash = new Uint8Array(32).fill(block?.charCodeAt(0) ?? 0);
  const blockId = block === null ? null : { hash, partSetHeader: { total: 1, hash } };
  const timestamp = { seconds: 1_700_000_000n + BigInt(seconds), nanos: 0 };
  return step === 1
    ? proposalSignBytes(id.chainId, { height, round, polRound: -1, blockId, timestamp })
    : voteSignBytes(id.chainId, { type: step === 2 ? 1 : 2, height, round, blockId, timestamp });
}

export type Reservation = Parameters<ReservationStore['reserve']>[0];

export function reservation(id: RecordId, at: Hrs, block: string | null, seconds = 0): Reservation {
  return { id, hrs: at, signBytes: suiteBytes(id, at, block, seconds), by: 'suite', at: 0 };
}

/** The value of what must have been committed. */
export function committed<T>(result: Committed<T>): T {
  if (result.kind !== 'committed') throw new Error(`not committed: ${JSON.stringify(result)}`);
  return result.value;
}
