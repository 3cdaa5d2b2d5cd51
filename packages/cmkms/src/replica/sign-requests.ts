/**
 * From a validator's request to the one that the gate understands.
 *
 * Owns    which canonical bytes a request stands for, and when its extension is signed.
 * Never   looks at what was signed before.
 * Rule    CometBFT types/canonical.go; the extension rule is privval's (`extensionWanted`).
 */
import type { ProposalRequest, VoteRequest } from '@cometkms/privval';
import {
  extensionSignBytes,
  proposalSignBytes,
  type RecordId,
  voteSignBytes,
} from '@cometkms/sign-state';
import type { SignRequest } from '@cometkms/signer';

export function signRequestOf(id: RecordId, request: VoteRequest | ProposalRequest): SignRequest {
  const { height, round } = request;
  if (request.kind === 'proposal') {
    return {
      id,
      hrs: { height, round, step: 1 },
      signBytes: proposalSignBytes(id.chainId, request),
      extensionSignBytes: null,
    };
  }
  return {
    id,
    hrs: { height, round, step: request.type === 1 ? 2 : 3 },
    signBytes: voteSignBytes(id.chainId, request),
    extensionSignBytes: request.extensionWanted
      ? extensionSignBytes(id.chainId, height, round, request.extension)
      : null,
  };
}
