/**
 * Whether a request may reach the signer at all, and what it then asks for.
 *
 * Owns    the shape of a valid request, and the rule for vote extensions.
 * Never   knows what was signed before: whether a valid request is granted is not decided here.
 * Rule    CometBFT types/vote.go and types/proposal.go, `ValidateBasic`; privval/file.go,
 *         `signVote`; types/canonical.go, which panics on other hash lengths. Height 0 is refused
 *         too: chains begin at 1, and 0 is how a state file says that nothing was signed.
 * Proof   test/request-check.test.ts, a row for each reason.
 */
import { PrivvalError } from './errors.js';
import {
  type BlockId,
  isNilBlock,
  type SignProposalRequest,
  type SignVoteRequest,
  type Timestamp,
  type Vote,
  voteType,
} from './messages.js';

/** A vote that a validator wants signed; its chain is the handler's own. */
export interface VoteRequest {
  readonly kind: 'vote';
  readonly chainId: string;
  readonly type: 1 | 2;
  readonly height: bigint;
  readonly round: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
  readonly validatorAddress: Uint8Array;
  readonly validatorIndex: number;
  readonly extension: Uint8Array;
  /**
   * A signature over the extension belongs into the answer, even over an empty one: this is a
   * precommit for a block, and the node did not say skip. Exactly then, or some nodes stop their
   * consensus.
   */
  readonly extensionWanted: boolean;
}

/** A proposal that a validator wants signed; its chain is the handler's own. */
export interface ProposalRequest {
  readonly kind: 'proposal';
  readonly chainId: string;
  readonly height: bigint;
  readonly round: number;
  readonly polRound: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
}

/** The years 1 to 9999, which is what protobuf's Timestamp and Go's decoder allow. */
const minSeconds = -62_135_596_800n;
const maxSeconds = 253_402_300_799n;

/** @returns the request, or the error that the validator gets for it */
export function checkVote(asked: SignVoteRequest, chainId: string): VoteRequest | PrivvalError {
  const wrong = wrongChain(asked.chainId, chainId);
  if (wrong !== null) return wrong;
  const { vote } = asked;
  if (vote === null) return bad('it holds no vote');
  const { type } = vote;
  if (type !== voteType.prevote && type !== voteType.precommit) {
    return bad(`vote type ${type} is neither prevote (1) nor precommit (2)`);
  }
  const flaw = positionFlaw(vote.height, vote.round) ?? contentFlaw(vote) ?? addressFlaw(vote);
  if (flaw !== null) return bad(flaw);
  const forBlock = type === voteType.precommit && !isNilBlock(vote.blockId);
  if (!forBlock && vote.extension.length > 0 && !asked.skipExtensionSigning) {
    const detail = type === voteType.prevote ? 'a prevote' : 'a precommit for nil';
    return new PrivvalError('PRIVVAL_UNEXPECTED_EXTENSION', { detail });
  }
  return {
    kind: 'vote',
    chainId,
    type,
    height: vote.height,
    round: vote.round,
    blockId: vote.blockId,
    timestamp: vote.timestamp,
    validatorAddress: vote.validatorAddress,
    validatorIndex: vote.validatorIndex,
    extension: vote.extension,
    extensionWanted: forBlock && !asked.skipExtensionSigning,
  };
}

/** @returns the request, or the error that the validator gets for it */
export function checkProposal(
  asked: SignProposalRequest,
  chainId: string,
): ProposalRequest | PrivvalError {
  const wrong = wrongChain(asked.chainId, chainId);
  if (wrong !== null) return wrong;
  const { proposal } = asked;
  if (proposal === null) return bad('it holds no proposal');
  const { height, round, polRound, blockId, timestamp } = proposal;
  const flaw = positionFlaw(height, round) ?? contentFlaw(proposal);
  if (flaw !== null) return bad(flaw);
  if (polRound < -1) return bad(`proof-of-lock round ${polRound} is below -1`);
  return { kind: 'proposal', chainId, height, round, polRound, blockId, timestamp };
}

/** Null: the validator is on this chain. */
export function wrongChain(asked: string, configured: string): PrivvalError | null {
  if (asked === configured) return null;
  return new PrivvalError('PRIVVAL_WRONG_CHAIN', { asked, configured });
}

function bad(detail: string): PrivvalError {
  return new PrivvalError('PRIVVAL_BAD_REQUEST', { detail });
}

function positionFlaw(height: bigint, round: number): string | null {
  if (height < 1n) return `height ${height} is below 1`;
  if (round < 0) return `round ${round} is below 0`;
  return null;
}

function contentFlaw(content: { blockId: BlockId; timestamp: Timestamp }): string | null {
  const { hash, partSetHeader } = content.blockId;
  if (!isHashLength(hash)) return `the block hash has ${hash.length} bytes, not 32`;
  if (!isHashLength(partSetHeader.hash)) {
    return `the part set hash has ${partSetHeader.hash.length} bytes, not 32`;
  }
  const { seconds, nanos } = content.timestamp;
  if (seconds < minSeconds || seconds > maxSeconds) {
    return `timestamp ${seconds} s is outside the years 1 to 9999`;
  }
  if (nanos < 0 || nanos > 999_999_999) return `${nanos} ns are not part of a second`;
  return null;
}

function isHashLength(hash: Uint8Array): boolean {
  return hash.length === 0 || hash.length === 32;
}

/** It is echoed in the answer, and a node accepts only small answers. */
function addressFlaw(vote: Vote): string | null {
  const bytes = vote.validatorAddress.length;
  return bytes === 0 || bytes === 20 ? null : `the validator address has ${bytes} bytes, not 20`;
}
