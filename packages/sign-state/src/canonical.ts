/**
 * Canonical sign bytes: what a validator's key signs, byte for byte.
 *
 * Owns    their layout, in both directions, and what "content" is: all of the body but the timestamp.
 * Never   judges whether something may be signed. The writers write what they are given (a node decides
 *         what it asks for); the reader alone refuses, and nothing is recorded that it has not read.
 * Rule    CometBFT types/canonical.go; proto/tendermint/types/canonical.proto (cometbft/types/v1 since 1.0).
 *         Stricter than upstream: the reader takes only bytes that writing anew gives again.
 * Proof   test/canonical.test.ts (golden vectors), test/canonical-reader.test.ts (each refusal),
 *         test/canonical.property.test.ts (any mutation).
 */
import { describePosition, isHrs, MAX_INT32 } from './hrs.js';
import type { Hrs, Position, Timestamp } from './types.js';
import {
  concatBytes,
  copyBytes,
  FieldReader,
  FieldWriter,
  requireCanonical,
  sameBytes,
} from './wire.js';

/** SignedMsgType (types/signed_msg_type.go). */
export const SIGNED_MSG_TYPE = { prevote: 1, precommit: 2, proposal: 32 } as const;

/** google.protobuf.Timestamp holds years 1 to 9999; Go's zero time is its first second. */
const MIN_TIMESTAMP_SECONDS = -62_135_596_800n;
const END_TIMESTAMP_SECONDS = 253_402_300_800n;

const MAX_UINT32 = 2n ** 32n - 1n;
const HASH_BYTES = 32;

export interface PartSetHeader {
  readonly total: number;
  /** 32 bytes, or none. */
  readonly hash: Uint8Array;
}

export interface BlockId {
  /** 32 bytes, or none. */
  readonly hash: Uint8Array;
  readonly partSetHeader: PartSetHeader;
}

/** What CanonicalVote holds of a Vote. The numbers are as the node sent them: the reader judges. */
export interface VoteToSign {
  /** 1 prevote, 2 precommit. */
  readonly type: number;
  readonly height: bigint;
  readonly round: number;
  /** null, or all of it empty: a vote for nil. */
  readonly blockId: BlockId | null;
  readonly timestamp: Timestamp;
}

/** What CanonicalProposal holds of a Proposal. Its type is always 32, whatever the request says. */
export interface ProposalToSign {
  readonly height: bigint;
  readonly round: number;
  /** -1: no proof-of-lock round. */
  readonly polRound: number;
  readonly blockId: BlockId | null;
  readonly timestamp: Timestamp;
}

/** Sign bytes, read. */
export interface CanonicalMessage {
  readonly chainId: string;
  readonly hrs: Hrs;
  /** The body without its timestamp field: equal if and only if all but the timestamp is equal. */
  readonly content: Uint8Array;
  readonly timestamp: Timestamp;
  /** null: nil. */
  readonly blockId: BlockId | null;
  /** null: a vote. */
  readonly polRound: number | null;
}

// ----------------------------------------------------------------------------------- writing

/** CanonicalizeVote, `VoteSignBytes` (types/vote.go). @returns sign bytes, length prefix included */
export function voteSignBytes(chainId: string, vote: VoteToSign): Uint8Array {
  return FieldWriter.written((to) => {
    to.varint(1, vote.type); // type
    to.fixed64(2, vote.height); // height, sfixed64
    to.fixed64(3, BigInt(vote.round)); // round, sfixed64: left out at 0
    writeBlockId(to, 4, vote.blockId); // block_id, nullable
    to.message(5, () => writeTimestamp(to, vote.timestamp)); // timestamp, always there
    to.string(6, chainId); // chain_id
  });
}

/** CanonicalizeProposal, `ProposalSignBytes` (types/proposal.go). @returns sign bytes, length prefix included */
export function proposalSignBytes(chainId: string, proposal: ProposalToSign): Uint8Array {
  return FieldWriter.written((to) => {
    to.varint(1, SIGNED_MSG_TYPE.proposal); // type
    to.fixed64(2, proposal.height); // height, sfixed64
    to.fixed64(3, BigInt(proposal.round)); // round, sfixed64
    to.varint(4, proposal.polRound); // pol_round, int64: -1 takes ten bytes
    writeBlockId(to, 5, proposal.blockId); // block_id, nullable
    to.message(6, () => writeTimestamp(to, proposal.timestamp)); // timestamp, always there
    to.string(7, chainId); // chain_id
  });
}

/**
 * CanonicalizeVoteExtension, `VoteExtensionSignBytes` (types/vote.go, since v0.38). An extension is no
 * part of the double-sign state: it says neither block nor timestamp, and may differ between two askings.
 */
export function extensionSignBytes(
  chainId: string,
  height: bigint,
  round: number,
  extension: Uint8Array,
): Uint8Array {
  return FieldWriter.written((to) => {
    to.bytes(1, extension); // extension
    to.fixed64(2, height); // height, sfixed64
    to.fixed64(3, BigInt(round)); // round, sfixed64
    to.string(4, chainId); // chain_id
  });
}

/** CanonicalizeBlockID: nothing at all if hash, total and parts hash are empty (`IsNil`, types/block.go). */
function writeBlockId(to: FieldWriter, field: number, blockId: BlockId | null): void {
  if (blockId === null) return;
  const { hash, partSetHeader } = blockId;
  const { total, hash: partsHash } = partSetHeader;
  if (hash.length === 0 && total === 0 && partsHash.length === 0) return;
  to.message(field, () => {
    to.bytes(1, hash); // hash
    to.message(2, () => {
      to.varint(1, total); // total, uint32
      to.bytes(2, partsHash); // hash
    }); // part_set_header, always there
  });
}

function writeTimestamp(to: FieldWriter, timestamp: Timestamp): void {
  to.varint(1, timestamp.seconds); // seconds, int64
  to.varint(2, timestamp.nanos); // nanos, int32
}

// ----------------------------------------------------------------------------------- reading

/**
 * Reads the sign bytes of a vote or proposal, and takes them only if they are exactly what CometBFT
 * writes for a message that can be signed: type 1, 2 or 32, height from 1, round from 0, hashes of 0
 * or 32 bytes, a real timestamp, a chain id in UTF-8. The result shares no memory with `bytes`.
 * @throws SignStateError SIGN_STATE_NOT_CANONICAL  anything else
 */
export function readSignBytes(bytes: Uint8Array): CanonicalMessage {
  const outer = new FieldReader(bytes);
  const body = outer.lengthPrefixed();
  outer.end();
  const type = new FieldReader(body).varintField(1);
  const isVote =
    type === BigInt(SIGNED_MSG_TYPE.prevote) || type === BigInt(SIGNED_MSG_TYPE.precommit);
  requireCanonical(isVote || type === BigInt(SIGNED_MSG_TYPE.proposal), () => `type ${type}`);
  const message = isVote ? readVote(body) : readProposal(body);
  // Strict by construction: explicit zeros, long varints, an empty block id, whatever it may be that
  // the lines above took in another spelling, is not the bytes that a node and its peers hold.
  requireCanonical(
    sameBytes(writeAnew(message), bytes),
    () => 'another encoding than the canonical one',
  );
  return message;
}

/**
 * As `readSignBytes`, for bytes that claim to belong to `chainId` and `hrs`.
 * @throws SignStateError SIGN_STATE_NOT_CANONICAL  also where they say another chain, height, round or step
 */
export function readSignBytesOf(
  bytes: Uint8Array,
  chainId: string,
  hrs: Position,
): CanonicalMessage {
  const message = readSignBytes(bytes);
  const said = message.hrs;
  requireCanonical(
    message.chainId === chainId,
    () =>
      `they say chain ${JSON.stringify(message.chainId)}, the command ${JSON.stringify(chainId)}`,
  );
  requireCanonical(
    said.height === hrs.height && said.round === hrs.round && said.step === hrs.step,
    () => `they say ${describePosition(said)}, the command ${describePosition(hrs)}`,
  );
  return message;
}

function readVote(body: Uint8Array): CanonicalMessage {
  const fields = new FieldReader(body);
  const step = fields.varintField(1) === BigInt(SIGNED_MSG_TYPE.prevote) ? 2 : 3; // type
  const height = fields.fixed64Field(2); // height
  const round = fields.fixed64Field(3); // round
  const blockId = readBlockId(fields.messageField(4)); // block_id
  const timestampFrom = fields.offset;
  const timestamp = readTimestamp(fields.messageField(5)); // timestamp
  const timestampTo = fields.offset;
  const chainId = fields.stringField(6); // chain_id
  fields.end();
  return {
    chainId,
    hrs: readHrs(height, round, step),
    content: contentOf(body, timestampFrom, timestampTo),
    timestamp,
    blockId,
    polRound: null,
  };
}

function readProposal(body: Uint8Array): CanonicalMessage {
  const fields = new FieldReader(body);
  fields.varintField(1); // type
  const height = fields.fixed64Field(2); // height
  const round = fields.fixed64Field(3); // round
  const polRound = fields.varintField(4); // pol_round
  const blockId = readBlockId(fields.messageField(5)); // block_id
  const timestampFrom = fields.offset;
  const timestamp = readTimestamp(fields.messageField(6)); // timestamp
  const timestampTo = fields.offset;
  const chainId = fields.stringField(7); // chain_id
  fields.end();
  // Proposal.pol_round is an int32 (types/proposal.go), widened by the canonical form.
  requireCanonical(BigInt.asIntN(32, polRound) === polRound, () => `polRound ${polRound}`);
  return {
    chainId,
    hrs: readHrs(height, round, 1),
    content: contentOf(body, timestampFrom, timestampTo),
    timestamp,
    blockId,
    polRound: Number(polRound),
  };
}

/**
 * What is left stays readable field by field, since every field carries its number and its length: two
 * bodies can only give the same content by having the same other fields.
 */
function contentOf(body: Uint8Array, timestampFrom: number, timestampTo: number): Uint8Array {
  return concatBytes(body.subarray(0, timestampFrom), body.subarray(timestampTo));
}

function readHrs(height: bigint, round: bigint, step: 1 | 2 | 3): Hrs {
  requireCanonical(round <= BigInt(MAX_INT32), () => `round ${round}`);
  const hrs = { height, round: Number(round), step };
  requireCanonical(isHrs(hrs), () => `height ${height}, round ${round}`);
  return hrs;
}

function readBlockId(fields: FieldReader | null): BlockId | null {
  if (fields === null) return null;
  const hash = readHash(fields, 1); // hash
  const header = fields.messageField(2); // part_set_header
  requireCanonical(header !== null, () => 'a block id without its part set header');
  const total = header.varintField(1); // total
  requireCanonical(total >= 0n && total <= MAX_UINT32, () => `${total} parts`);
  const partsHash = readHash(header, 2); // hash
  header.end();
  fields.end();
  return { hash, partSetHeader: { total: Number(total), hash: partsHash } };
}

/** At any other length CanonicalizeBlockID panics, by way of BlockIDFromProto (types/block.go). */
function readHash(fields: FieldReader, field: number): Uint8Array {
  const hash = fields.bytesField(field);
  requireCanonical(
    hash.length === 0 || hash.length === HASH_BYTES,
    () => `a hash of ${hash.length} bytes`,
  );
  return copyBytes(hash);
}

function readTimestamp(fields: FieldReader | null): Timestamp {
  requireCanonical(fields !== null, () => 'no timestamp');
  const seconds = fields.varintField(1); // seconds
  const nanos = fields.varintField(2); // nanos
  fields.end();
  requireCanonical(
    seconds >= MIN_TIMESTAMP_SECONDS && seconds < END_TIMESTAMP_SECONDS,
    () => `timestamp ${seconds} s`,
  );
  requireCanonical(nanos >= 0n && nanos <= 999_999_999n, () => `timestamp ${nanos} ns`);
  return { seconds, nanos: Number(nanos) };
}

function writeAnew(message: CanonicalMessage): Uint8Array {
  const { chainId, hrs, polRound, blockId, timestamp } = message;
  const { height, round } = hrs;
  if (polRound !== null) {
    return proposalSignBytes(chainId, { height, round, polRound, blockId, timestamp });
  }
  const type = hrs.step === 2 ? SIGNED_MSG_TYPE.prevote : SIGNED_MSG_TYPE.precommit;
  return voteSignBytes(chainId, { type, height, round, blockId, timestamp });
}
