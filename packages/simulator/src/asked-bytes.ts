/**
 * The canonical bytes that a request asks for.
 *
 * Owns    that one step, for oracles: from a validator's request to what would be signed.
 */
import { proposalSignBytes, type RecordId, voteSignBytes } from '@cometkms/sign-state';
import { type AskedBytes, asked } from './reference-verdicts.js';
import type { Request } from './validator.js';

/** @returns null for a request of a shape that nobody signs */
export function askedOf(id: RecordId, request: Request): AskedBytes | null {
  return asked(
    request.kind === 'proposal'
      ? proposalSignBytes(id.chainId, request)
      : voteSignBytes(id.chainId, request),
  );
}
