/**
 * Messages to bytes and back, in both directions: a signer needs one half, a validator the other.
 *
 * Owns    the one place where generated protobuf and its Long meet this program's shapes.
 * Never   re-encodes a decoded message (unknown fields would ride along), or writes `extension`
 *         into an answer by itself: what is encoded is what the caller put there.
 * Rule    proto/privval.proto; CometBFT's generated types.pb.go for absent and unknown fields.
 * Proof   test/message-codec.test.ts: CometBFT's own vectors (privval/msgs_test.go), all dialects.
 */

import Long from 'long';
import { cometkms } from '#generated/privval.js';
import { PrivvalError } from './errors.js';
import {
  type BlockId,
  type ConsensusKey,
  goZeroTime,
  type KeyType,
  keyTypes,
  type Message,
  type Proposal,
  type RemoteSignerError,
  type Timestamp,
  type Vote,
} from './messages.js';

const wire = cometkms.privval;
type WireMessage = cometkms.privval.Message.$Properties;
type WireKey = cometkms.privval.PublicKey.$Properties;

// ---------------------------------------------------------------------------------- encoding

export function encodeMessage(message: Message): Uint8Array {
  return new Uint8Array(wire.Message.encode(toWire(message)).finish());
}

function toWire(message: Message): WireMessage {
  switch (message.kind) {
    case 'pubKeyRequest':
      return { pubKeyRequest: { chainId: message.chainId } };
    case 'pubKeyResponse':
      return { pubKeyResponse: { ...keyToWire(message.key), error: message.error } };
    case 'signVoteRequest':
      return {
        signVoteRequest: {
          vote: message.vote && voteToWire(message.vote),
          chainId: message.chainId,
          skipExtensionSigning: message.skipExtensionSigning,
        },
      };
    case 'signedVoteResponse': {
      const vote = message.vote && voteToWire(message.vote);
      return { signedVoteResponse: { vote, error: message.error } };
    }
    case 'signProposalRequest': {
      const proposal = message.proposal && proposalToWire(message.proposal);
      return { signProposalRequest: { proposal, chainId: message.chainId } };
    }
    case 'signedProposalResponse': {
      const proposal = message.proposal && proposalToWire(message.proposal);
      return { signedProposalResponse: { proposal, error: message.error } };
    }
    case 'signBytesRequest':
      return { signBytesRequest: {} };
    case 'signBytesResponse':
      return { signBytesResponse: { signature: message.signature, error: message.error } };
    case 'pingRequest':
      return { pingRequest: {} };
    case 'pingResponse':
      return { pingResponse: {} };
  }
}

/**
 * Both shapes at once: dialect A reads field 1, B and C read 3 and 4, and each skips what it does
 * not know. Nothing tells the dialects apart before the first answer is due.
 */
function keyToWire(key: ConsensusKey | null): cometkms.privval.PubKeyResponse.$Properties {
  if (key === null) return {};
  return { pubKey: keyArm(key), pubKeyBytes: key.bytes, pubKeyType: key.type };
}

function keyArm(key: ConsensusKey): WireKey {
  switch (key.type) {
    case 'ed25519':
      return { ed25519: key.bytes };
    case 'secp256k1':
      return { secp256k1: key.bytes };
    case 'bls12_381':
      return { bls12381: key.bytes };
    case 'ml_dsa_65':
      return { mldsa65: key.bytes };
    case 'secp256k1eth':
      return { secp256k1eth: key.bytes };
  }
}

function voteToWire(vote: Vote): cometkms.privval.Vote.$Properties {
  return {
    ...vote,
    height: toLong(vote.height),
    timestamp: timestampToWire(vote.timestamp),
  };
}

function proposalToWire(proposal: Proposal): cometkms.privval.Proposal.$Properties {
  return {
    ...proposal,
    height: toLong(proposal.height),
    timestamp: timestampToWire(proposal.timestamp),
  };
}

function timestampToWire(time: Timestamp): cometkms.privval.Timestamp.$Properties {
  return { seconds: toLong(time.seconds), nanos: time.nanos };
}

function toLong(value: bigint): Long {
  return Long.fromBigInt(value);
}

// ---------------------------------------------------------------------------------- decoding

/**
 * A field with another wire type than ours counts as unknown, and so as absent.
 * @throws PRIVVAL_UNDECODABLE  not protobuf
 * @throws PRIVVAL_EMPTY_MESSAGE  no kind is set, or one that is not known here
 */
export function decodeMessage(bytes: Uint8Array): Message {
  let decoded: cometkms.privval.Message;
  try {
    decoded = wire.Message.decode(bytes);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new PrivvalError('PRIVVAL_UNDECODABLE', { detail }, { cause });
  }
  const message = fromWire(decoded);
  if (message === undefined) {
    throw new PrivvalError('PRIVVAL_EMPTY_MESSAGE', { bytes: bytes.length });
  }
  return message;
}

function fromWire(message: cometkms.privval.Message): Message | undefined {
  // The arm that came last, as in Go; the decoder clears the others.
  switch (message.sum) {
    case 'pubKeyRequest':
      return { kind: 'pubKeyRequest', chainId: message.pubKeyRequest?.chainId ?? '' };
    case 'pubKeyResponse':
      return pubKeyResponseFromWire(message.pubKeyResponse ?? {});
    case 'signVoteRequest': {
      const { vote, chainId, skipExtensionSigning } = message.signVoteRequest ?? {};
      return {
        kind: 'signVoteRequest',
        vote: vote ? voteFromWire(vote) : null,
        chainId: chainId ?? '',
        skipExtensionSigning: skipExtensionSigning ?? false,
      };
    }
    case 'signedVoteResponse': {
      const { vote, error } = message.signedVoteResponse ?? {};
      return {
        kind: 'signedVoteResponse',
        vote: vote ? voteFromWire(vote) : null,
        error: errorFromWire(error),
      };
    }
    case 'signProposalRequest': {
      const { proposal, chainId } = message.signProposalRequest ?? {};
      return {
        kind: 'signProposalRequest',
        proposal: proposal ? proposalFromWire(proposal) : null,
        chainId: chainId ?? '',
      };
    }
    case 'signedProposalResponse': {
      const { proposal, error } = message.signedProposalResponse ?? {};
      return {
        kind: 'signedProposalResponse',
        proposal: proposal ? proposalFromWire(proposal) : null,
        error: errorFromWire(error),
      };
    }
    case 'signBytesRequest':
      return { kind: 'signBytesRequest' };
    case 'signBytesResponse': {
      const { signature, error } = message.signBytesResponse ?? {};
      return {
        kind: 'signBytesResponse',
        signature: bytesFromWire(signature),
        error: errorFromWire(error),
      };
    }
    case 'pingRequest':
      return { kind: 'pingRequest' };
    case 'pingResponse':
      return { kind: 'pingResponse' };
    default:
      return undefined;
  }
}

/** Reads either dialect: the fields of B and C where they are set, else the one of A. */
function pubKeyResponseFromWire(response: cometkms.privval.PubKeyResponse.$Properties): Message {
  const error = errorFromWire(response.error);
  const { pubKeyType: type, pubKeyBytes: bytes } = response;
  if (type && bytes && isKeyType(type)) {
    return { kind: 'pubKeyResponse', key: { type, bytes: bytesFromWire(bytes) }, error };
  }
  return { kind: 'pubKeyResponse', key: keyFromArm(response.pubKey ?? {}), error };
}

function isKeyType(text: string): text is KeyType {
  return keyTypes.some((type) => type === text);
}

function keyFromArm(key: WireKey): ConsensusKey | null {
  if (key.ed25519) return { type: 'ed25519', bytes: bytesFromWire(key.ed25519) };
  if (key.secp256k1) return { type: 'secp256k1', bytes: bytesFromWire(key.secp256k1) };
  if (key.bls12381) return { type: 'bls12_381', bytes: bytesFromWire(key.bls12381) };
  if (key.mldsa65) return { type: 'ml_dsa_65', bytes: bytesFromWire(key.mldsa65) };
  if (key.secp256k1eth) return { type: 'secp256k1eth', bytes: bytesFromWire(key.secp256k1eth) };
  return null;
}

function errorFromWire(
  error: cometkms.privval.RemoteSignerError.$Properties | null | undefined,
): RemoteSignerError | null {
  if (!error) return null;
  return { code: error.code ?? 0, description: error.description ?? '' };
}

function voteFromWire(vote: cometkms.privval.Vote.$Properties): Vote {
  // nonRpExtension is left behind here, so that nothing after this line could sign it.
  return {
    type: vote.type ?? 0,
    height: toBigint(vote.height),
    round: vote.round ?? 0,
    blockId: blockIdFromWire(vote.blockId),
    timestamp: timestampFromWire(vote.timestamp),
    validatorAddress: bytesFromWire(vote.validatorAddress),
    validatorIndex: vote.validatorIndex ?? 0,
    signature: bytesFromWire(vote.signature),
    extension: bytesFromWire(vote.extension),
    extensionSignature: bytesFromWire(vote.extensionSignature),
  };
}

function proposalFromWire(proposal: cometkms.privval.Proposal.$Properties): Proposal {
  return {
    type: proposal.type ?? 0,
    height: toBigint(proposal.height),
    round: proposal.round ?? 0,
    polRound: proposal.polRound ?? 0,
    blockId: blockIdFromWire(proposal.blockId),
    timestamp: timestampFromWire(proposal.timestamp),
    signature: bytesFromWire(proposal.signature),
  };
}

function blockIdFromWire(id: cometkms.privval.BlockId.$Properties | null | undefined): BlockId {
  return {
    hash: bytesFromWire(id?.hash),
    partSetHeader: {
      total: id?.partSetHeader?.total ?? 0,
      hash: bytesFromWire(id?.partSetHeader?.hash),
    },
  };
}

function timestampFromWire(
  time: cometkms.privval.Timestamp.$Properties | null | undefined,
): Timestamp {
  if (!time) return goZeroTime;
  return { seconds: toBigint(time.seconds), nanos: time.nanos ?? 0 };
}

/** A copy: what was decoded is a view of the whole message, or a Buffer. */
function bytesFromWire(bytes: Uint8Array | null | undefined): Uint8Array {
  return new Uint8Array(bytes ?? []);
}

/**
 * The generator says Long or number; with --force-long it is Long whenever it came from the wire.
 */
function toBigint(value: Long | number | null | undefined): bigint {
  if (value === null || value === undefined) return 0n;
  return typeof value === 'number' ? BigInt(value) : value.toBigInt();
}

// ------------------------------------------------------------------------- the auth message

export interface AuthSignature {
  /** Null: not an ed25519 key. */
  readonly ed25519: Uint8Array | null;
  readonly signature: Uint8Array;
}

export function encodeAuthSignature(ed25519: Uint8Array, signature: Uint8Array): Uint8Array {
  return new Uint8Array(wire.AuthSignature.encode({ pubKey: { ed25519 }, signature }).finish());
}

/** @throws PRIVVAL_UNDECODABLE */
export function decodeAuthSignature(bytes: Uint8Array): AuthSignature {
  try {
    const { pubKey, signature } = wire.AuthSignature.decode(bytes);
    return {
      ed25519: pubKey?.ed25519 ? bytesFromWire(pubKey.ed25519) : null,
      signature: bytesFromWire(signature),
    };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new PrivvalError('PRIVVAL_UNDECODABLE', { detail }, { cause });
  }
}
