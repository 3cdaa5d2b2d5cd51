/**
 * CometBFT's wire vectors (privval/msgs_test.go) and the values that they were made from.
 *
 * Owns    the fixed inputs: one block id, time, address, key, error.
 * Never   computes bytes with the code under test: hashes come from node:crypto.
 */
import { createHash } from 'node:crypto';
import type { BlockId, ConsensusKey, Proposal, RemoteSignerError, Vote } from '../src/messages.js';

const sha256 = (text: string) => new Uint8Array(createHash('sha256').update(text).digest());

export const empty = new Uint8Array(0);
export const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
export const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** 2019-10-13T16:14:44Z */
export const time = { seconds: 1_570_983_284n, nanos: 0 };

export const blockId: BlockId = {
  hash: sha256('blockID_hash'),
  partSetHeader: { total: 1_000_000, hash: sha256('blockID_part_set_header_hash') },
};

export const nilBlockId: BlockId = { hash: empty, partSetHeader: { total: 0, hash: empty } };

export const precommit: Vote = {
  type: 2,
  height: 3n,
  round: 2,
  blockId,
  timestamp: time,
  validatorAddress: sha256('validator_address').slice(0, 20),
  validatorIndex: 56_789,
  signature: empty,
  extension: new TextEncoder().encode('extension'),
  extensionSignature: empty,
};

export const prevote: Vote = { ...precommit, type: 1, extension: empty };

/** Its type is 1 in CometBFT's test, though a node sends 32. */
export const proposal: Proposal = {
  type: 1,
  height: 3n,
  round: 2,
  polRound: 2,
  blockId,
  timestamp: time,
  signature: new TextEncoder().encode("it's a signature"),
};

const goZero = { seconds: -62_135_596_800n, nanos: 0 };

export const zeroVote: Vote = {
  ...{ type: 0, height: 0n, round: 0, blockId: nilBlockId, timestamp: goZero },
  ...{ validatorAddress: empty, validatorIndex: 0, signature: empty },
  ...{ extension: empty, extensionSignature: empty },
};

export const zeroProposal: Proposal = {
  ...{ type: 0, height: 0n, round: 0, polRound: 0, blockId: nilBlockId, timestamp: goZero },
  signature: empty,
};

/** ed25519, from the seed SHA256("it's a secret"). */
export const key: ConsensusKey = {
  type: 'ed25519',
  bytes: bytesOf('556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230'),
};

export const error: RemoteSignerError = { code: 1, description: "it's a error" };

const voteBody =
  '224a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d1220' +
  '72db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a2a0608f49a8ded053214' +
  '6af1f4111082efb388211bc72c55bcd61e9ac3d538d5bb03';
const proposalBody =
  '2a4a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d1220' +
  '72db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a320608f49a8ded05' +
  '3a10697427732061207369676e6174757265';
const keyHex = '556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230';
const errorHex = '12100801120c697427732061206572726f72';

/** Message bytes, without the length in front. */
export const wire = {
  pingRequest: '3a00',
  pingResponse: '4200',
  pubKeyRequest: '0a00',
  pubKeyResponseA: `12240a220a20${keyHex}`,
  pubKeyErrorA: `12140a00${errorHex}`,
  pubKeyResponseB: `122b1a20${keyHex}220765643235353139`,
  pubKeyErrorB: `1212${errorHex}`,
  /** Not CometBFT's: both shapes at once, which is what we send. */
  pubKeyResponseHybrid: `124f0a220a20${keyHex}1a20${keyHex}220765643235353139`,
  signVoteRequest: `1a81010a7f080210031802${voteBody}4a09657874656e73696f6e`,
  signedVoteResponse: `2281010a7f080210031802${voteBody}4a09657874656e73696f6e`,
  signVoteRequest34: `1a760a74080110031802${voteBody}`,
  signedVoteError: `22250a11220212002a0b088092b8c398feffffff01${errorHex}`,
  signProposalRequest: `2a700a6e080110031802${'2002'}${proposalBody}`,
  signedProposalResponse: `32700a6e080110031802${'2002'}${proposalBody}`,
  signedProposalError: `32250a112a021200320b088092b8c398feffffff01${errorHex}`,
} as const;
