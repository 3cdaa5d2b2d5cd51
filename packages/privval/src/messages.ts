/**
 * The validators' messages, as this program sees them.
 *
 * Owns    their shapes. Heights and seconds are bigint (int64, exact up to 2^63-1), rounds, nanos
 *         and indices are numbers (int32). What the wire left out has the value that a Go node
 *         would read.
 * Never   judges them (request-check.ts) or knows their bytes (message-codec.ts).
 * Rule    CometBFT proto/tendermint/privval/types.proto and proto/cometbft/privval.
 */

/** CometBFT's SignedMsgType. */
export const voteType = { prevote: 1, precommit: 2 } as const;

/** CometBFT's names of its consensus key types (`pub_key_type`, `Type()`). */
export const keyTypes = ['ed25519', 'secp256k1', 'bls12_381', 'ml_dsa_65', 'secp256k1eth'] as const;
export type KeyType = (typeof keyTypes)[number];

export interface ConsensusKey {
  readonly type: KeyType;
  readonly bytes: Uint8Array;
}

export interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

export interface BlockId {
  readonly hash: Uint8Array;
  readonly partSetHeader: { readonly total: number; readonly hash: Uint8Array };
}

export interface Vote {
  /** As it came: 1 prevote, 2 precommit, anything else is not a vote. */
  readonly type: number;
  readonly height: bigint;
  readonly round: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
  readonly validatorAddress: Uint8Array;
  readonly validatorIndex: number;
  readonly signature: Uint8Array;
  readonly extension: Uint8Array;
  readonly extensionSignature: Uint8Array;
}

export interface Proposal {
  /** As it came; the canonical bytes say 32 whatever stands here. */
  readonly type: number;
  readonly height: bigint;
  readonly round: number;
  /** -1: no proof of lock. */
  readonly polRound: number;
  readonly blockId: BlockId;
  readonly timestamp: Timestamp;
  readonly signature: Uint8Array;
}

export interface RemoteSignerError {
  readonly code: number;
  readonly description: string;
}

export interface PubKeyRequest {
  readonly kind: 'pubKeyRequest';
  readonly chainId: string;
}

/** One of `key` and `error` is set; a reader looks at the error first. */
export interface PubKeyResponse {
  readonly kind: 'pubKeyResponse';
  readonly key: ConsensusKey | null;
  readonly error: RemoteSignerError | null;
}

export interface SignVoteRequest {
  readonly kind: 'signVoteRequest';
  readonly vote: Vote | null;
  readonly chainId: string;
  readonly skipExtensionSigning: boolean;
}

export interface SignedVoteResponse {
  readonly kind: 'signedVoteResponse';
  readonly vote: Vote | null;
  readonly error: RemoteSignerError | null;
}

export interface SignProposalRequest {
  readonly kind: 'signProposalRequest';
  readonly proposal: Proposal | null;
  readonly chainId: string;
}

export interface SignedProposalResponse {
  readonly kind: 'signedProposalResponse';
  readonly proposal: Proposal | null;
  readonly error: RemoteSignerError | null;
}

export interface SignBytesRequest {
  readonly kind: 'signBytesRequest';
}

export interface SignBytesResponse {
  readonly kind: 'signBytesResponse';
  readonly signature: Uint8Array;
  readonly error: RemoteSignerError | null;
}

export type Message =
  | PubKeyRequest
  | PubKeyResponse
  | SignVoteRequest
  | SignedVoteResponse
  | SignProposalRequest
  | SignedProposalResponse
  | SignBytesRequest
  | SignBytesResponse
  | { readonly kind: 'pingRequest' }
  | { readonly kind: 'pingResponse' };

/** What Go reads where no timestamp was sent: the start of the year 1. */
export const goZeroTime: Timestamp = { seconds: -62135596800n, nanos: 0 };

/**
 * A vote for no block. A block id without a hash but with parts is *not* nil.
 * @see CometBFT types/block.go, `ProtoBlockIDIsNil`
 */
export function isNilBlock(id: BlockId): boolean {
  return id.hash.length === 0 && id.partSetHeader.total === 0 && id.partSetHeader.hash.length === 0;
}
