/**
 * From the signer's decision to the message that a validator reads.
 *
 * Owns    what an answer holds, and the last look at it: an extension signature in the wrong place
 *         stops the node's consensus, so such an answer is held back, whoever made it.
 * Never   signs, or puts the extension itself into an answer.
 * Rule    CometBFT privval/signer_client.go for what is read; consensus/state.go, `signVote`, for
 *         the panic.
 * Proof   test/answer.test.ts.
 */
import { PrivvalError } from './errors.js';
import type { Message, RemoteSignerError, Timestamp } from './messages.js';
import type { ProposalRequest, VoteRequest } from './request-check.js';

/** The answer to a request that was valid. */
export type SignAnswer =
  | {
      readonly kind: 'signed';
      readonly signature: Uint8Array;
      /** The signed one, which need not be the request's. */
      readonly timestamp: Timestamp;
      /** Set if and only if the request says `extensionWanted`. */
      readonly extensionSignature: Uint8Array | null;
    }
  /**
   * A typed error: the node goes on without this signature and does not ask again; the link stays.
   */
  | { readonly kind: 'refused'; readonly code: number; readonly description: string }
  /** The connection is reset, so that the node asks again on the next one. */
  | { readonly kind: 'drop'; readonly reason: string };

/** What the validator is to read; a drop is not read but felt. */
export type WrittenAnswer = Exclude<SignAnswer, { kind: 'drop' }>;

/** What a node reads of an answer is bounded (10,240 bytes); a description must not reach it. */
const maxDescriptionChars = 1000;

const empty = new Uint8Array(0);

export function remoteError(code: number, description: string): RemoteSignerError {
  return { code, description: description.slice(0, maxDescriptionChars) };
}

/**
 * A node reads timestamp, signature and extension signature; the rest is an echo for people who
 * look. `extension` is not echoed: up to 1 MiB, where nodes before 0.40 accept 10,240 bytes.
 */
export function voteAnswer(request: VoteRequest, answer: WrittenAnswer): Message | PrivvalError {
  if (answer.kind === 'refused') {
    const error = remoteError(answer.code, answer.description);
    return { kind: 'signedVoteResponse', vote: null, error };
  }
  const { signature, timestamp, extensionSignature } = answer;
  if (signature.length === 0) return unfit('the signature is empty');
  // CometBFT consensus/state.go panics, for ever until a restart, on either mismatch.
  if (request.extensionWanted && !extensionSignature?.length) {
    return unfit('a precommit for a block without a signature over its extension');
  }
  if (!request.extensionWanted && extensionSignature !== null) {
    return unfit('an extension signature where none belongs');
  }
  const { type, height, round, blockId, validatorAddress, validatorIndex } = request;
  const vote = {
    ...{ type, height, round, blockId, timestamp, validatorAddress, validatorIndex, signature },
    extension: empty,
    extensionSignature: extensionSignature ?? empty,
  };
  return { kind: 'signedVoteResponse', vote, error: null };
}

/** 32 in CometBFT's SignedMsgType. */
const proposalType = 32;

export function proposalAnswer(
  request: ProposalRequest,
  answer: WrittenAnswer,
): Message | PrivvalError {
  if (answer.kind === 'refused') {
    const error = remoteError(answer.code, answer.description);
    return { kind: 'signedProposalResponse', proposal: null, error };
  }
  const { signature, timestamp, extensionSignature } = answer;
  if (signature.length === 0) return unfit('the signature is empty');
  if (extensionSignature !== null) return unfit('an extension signature on a proposal');
  const { height, round, polRound, blockId } = request;
  const proposal = { type: proposalType, height, round, polRound, blockId, timestamp, signature };
  return { kind: 'signedProposalResponse', proposal, error: null };
}

function unfit(detail: string): PrivvalError {
  return new PrivvalError('PRIVVAL_ANSWER_UNFIT', { detail });
}
