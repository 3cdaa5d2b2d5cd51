/**
 * What the tests of this room sign: one chain, the fixture key, and sign bytes by a few letters.
 *
 * Owns    names for requests. `block` is a letter, `seconds` the timestamp: the same letter at two times is the same
 *         content, two letters are two contents.
 * Never   asserts anything.
 */
import {
  extensionSignBytes,
  type Hrs,
  proposalSignBytes,
  type RecordId,
  type Step,
  voteSignBytes,
} from '@cometkms/sign-state';
import { SoftwareKey } from '../src/index.js';
import type { SignRequest } from '../src/seams.js';

/** The key of CometBFT's tm-signer-harness test. */
export const fixture = {
  address: 'D08FCA3BA74CF17CBFC15E64F9505302BB0E2748',
  publicBase64: 'ZCsuTjaczEyon70nmKxwvwu+jqrbq5OH3yQjcK0SFxc=',
  privateBase64:
    '8O39AkQsoe1sBQwud/Kdul8lg8K9SFsql9aZvwXQSt1kKy5ONpzMTKifvSeYrHC/C76Oqturk4ffJCNwrRIXFw==',
} as const;

export const seed = new Uint8Array(Buffer.from(fixture.privateBase64, 'base64').subarray(0, 32));
export const key = new SoftwareKey(seed);
export const chainId = 'test-1';
export const id: RecordId = { chainId, key: key.publicKey };
export const limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n };

export function hrs(height: number, round = 0, step: Step = 2): Hrs {
  return { height: BigInt(height), round, step };
}

/** @param block one letter; null: nil */
export function bytesOf(at: Hrs, block: string | null, seconds = 0, chain = chainId): Uint8Array {
  const { height, round, step } = at;
  const hash = new Uint8Array(32).fill(block?.charCodeAt(0) ?? 0);
  const blockId = block === null ? null : { hash, partSetHeader: { total: 1, hash } };
  const timestamp = { seconds: 1_700_000_000n + BigInt(seconds), nanos: 0 };
  return step === 1
    ? proposalSignBytes(chain, { height, round, polRound: -1, blockId, timestamp })
    : voteSignBytes(chain, { type: step === 2 ? 1 : 2, height, round, blockId, timestamp });
}

export function request(at: Hrs, block: string | null, seconds = 0, extended = false): SignRequest {
  const extension = extensionSignBytes(chainId, at.height, at.round, Buffer.from('ext'));
  return {
    id,
    hrs: at,
    signBytes: bytesOf(at, block, seconds),
    extensionSignBytes: extended ? extension : null,
  };
}
