/**
 * Messages on the wire: CometBFT's own vectors, all dialects, and the edges of its integers.
 *
 * Owns    nothing.
 * Never   proves the decoder by the encoder alone: the vectors are CometBFT's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PrivvalCode, PrivvalError } from '../src/errors.js';
import { frame } from '../src/framing.js';
import { decodeMessage, encodeMessage } from '../src/message-codec.js';
import { isNilBlock, keyTypes, type Message } from '../src/messages.js';
import {
  blockId,
  bytesOf,
  empty,
  error,
  hexOf,
  key,
  nilBlockId,
  precommit,
  prevote,
  proposal,
  wire,
  zeroProposal,
  zeroVote,
} from './vectors.js';

const code = (expected: PrivvalCode) => (thrown: unknown) =>
  thrown instanceof PrivvalError && thrown.code === expected;

const vote = (kind: 'precommit' | 'prevote'): Message => ({
  kind: 'signVoteRequest',
  vote: kind === 'precommit' ? precommit : prevote,
  chainId: '',
  skipExtensionSigning: false,
});

const both: readonly (readonly [name: string, hex: string, message: Message])[] = [
  ['PingRequest', wire.pingRequest, { kind: 'pingRequest' }],
  ['PingResponse', wire.pingResponse, { kind: 'pingResponse' }],
  ['PubKeyRequest', wire.pubKeyRequest, { kind: 'pubKeyRequest', chainId: '' }],
  [
    'PubKeyResponse, hybrid',
    wire.pubKeyResponseHybrid,
    { kind: 'pubKeyResponse', key, error: null },
  ],
  ['PubKeyResponse with error', wire.pubKeyErrorB, { kind: 'pubKeyResponse', key: null, error }],
  ['SignVoteRequest with extension', wire.signVoteRequest, vote('precommit')],
  ['SignVoteRequest of 0.34 and 0.37', wire.signVoteRequest34, vote('prevote')],
  [
    'SignedVoteResponse',
    wire.signedVoteResponse,
    { kind: 'signedVoteResponse', vote: precommit, error: null },
  ],
  [
    'SignedVoteResponse with error',
    wire.signedVoteError,
    { kind: 'signedVoteResponse', vote: zeroVote, error },
  ],
  [
    'SignProposalRequest',
    wire.signProposalRequest,
    { kind: 'signProposalRequest', proposal, chainId: '' },
  ],
  [
    'SignedProposalResponse',
    wire.signedProposalResponse,
    { kind: 'signedProposalResponse', proposal, error: null },
  ],
  [
    'SignedProposalResponse with error',
    wire.signedProposalError,
    { kind: 'signedProposalResponse', proposal: zeroProposal, error },
  ],
];
for (const [name, hex, message] of both) {
  test(`${name} is written as CometBFT writes it`, () => {
    assert.equal(hexOf(encodeMessage(message)), hex);
  });
  test(`${name} is read as CometBFT reads it`, () => {
    assert.deepEqual(decodeMessage(bytesOf(hex)), message);
  });
}

const keyOnly: Message = { kind: 'pubKeyResponse', key, error: null };
const readOnly: readonly (readonly [name: string, hex: string, message: Message])[] = [
  ['the key in the shape of dialect A', wire.pubKeyResponseA, keyOnly],
  ['the key in the shape of dialects B and C', wire.pubKeyResponseB, keyOnly],
  [
    'the error of dialect A, with its empty key',
    wire.pubKeyErrorA,
    { kind: 'pubKeyResponse', key: null, error },
  ],
  [
    'an error that is empty is an error',
    '22021200',
    { kind: 'signedVoteResponse', vote: null, error: { code: 0, description: '' } },
  ],
  ['SignBytesRequest of dialects B and C', '4a050a03aabbcc', { kind: 'signBytesRequest' }],
  [
    "Celestia's SignRawBytesRequest, under the same number",
    '4a0c0a02636812036162631a0178',
    { kind: 'signBytesRequest' },
  ],
  ['fields that are not known here are skipped', '3a00a20603010203', { kind: 'pingRequest' }],
  ['the last of two kinds counts, as in Go', '3a004200', { kind: 'pingResponse' }],
];
for (const [name, hex, message] of readOnly) {
  test(`read: ${name}`, () => assert.deepEqual(decodeMessage(bytesOf(hex)), message));
}

test('the hybrid key is one frame of 82 bytes', () => {
  const framed = frame(encodeMessage(keyOnly));
  assert.equal(hexOf(framed), `51${wire.pubKeyResponseHybrid}`);
});

for (const [i, type] of keyTypes.entries()) {
  test(`a ${type} key is arm ${i + 1} of the key and is named by its type`, () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const message: Message = { kind: 'pubKeyResponse', key: { type, bytes }, error: null };
    const encoded = encodeMessage(message);
    // 12 len, 0a 05 {arm 03 010203}
    assert.equal(
      hexOf(encoded.slice(2, 9)),
      `0a05${((i + 1) * 8 + 2).toString(16).padStart(2, '0')}03010203`,
    );
    assert.deepEqual(decodeMessage(encoded), message);
    const dialectA = Uint8Array.of(0x12, 7, ...encoded.slice(2, 9));
    assert.deepEqual(decodeMessage(dialectA), message);
  });
}

test('skipExtensionSigning is field 3 of the request', () => {
  const message: Message = {
    kind: 'signVoteRequest',
    vote: null,
    chainId: '',
    skipExtensionSigning: true,
  };
  assert.equal(hexOf(encodeMessage(message)), '1a021801');
  assert.deepEqual(decodeMessage(bytesOf('1a021801')), message);
});

test('the raw extension of dialect C does not reach the program', () => {
  // Field 11 with 2 bytes, field 12 with 1.
  const decoded = decodeMessage(bytesOf('1a090a075a02aabb6201cc'));
  assert.equal(decoded.kind, 'signVoteRequest');
  assert.ok(!JSON.stringify(decoded, bigintsAsText).includes('170'));
  assert.deepEqual(decoded.kind === 'signVoteRequest' && decoded.vote, zeroVote);
});

function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

// int64 and int32: the bytes are computed by hand from the protobuf encoding.
const heights: readonly (readonly [height: bigint, varint: string])[] = [
  [2n ** 63n - 1n, 'ffffffffffffffff7f'],
  [2n ** 53n + 1n, '8180808080808010'],
  [10n ** 15n, '80809aa6eaafe301'],
  [-1n, 'ffffffffffffffffff01'],
  [-(2n ** 63n), '80808080808080808001'],
];
for (const [height, varint] of heights) {
  test(`height ${height} is exact both ways`, () => {
    const body = `10${varint}`;
    const inVote = `0a${(body.length / 2).toString(16).padStart(2, '0')}${body}`;
    const hex = `1a${(inVote.length / 2).toString(16).padStart(2, '0')}${inVote}`;
    const decoded = decodeMessage(bytesOf(hex));
    assert.equal(decoded.kind === 'signVoteRequest' && decoded.vote?.height, height);
    const again = decodeMessage(encodeMessage(decoded));
    assert.deepEqual(again, decoded);
    assert.ok(hexOf(encodeMessage(decoded)).includes(body));
  });
}

for (const value of [-1, -(2 ** 31), 2 ** 31 - 1]) {
  test(`int32 ${value} is exact both ways`, () => {
    const message: Message = {
      kind: 'signProposalRequest',
      proposal: { ...proposal, polRound: value, round: value },
      chainId: 'test',
    };
    assert.deepEqual(decodeMessage(encodeMessage(message)), message);
  });
}

test('polRound -1 is a varint of ten bytes, as in Go', () => {
  const message: Message = {
    kind: 'signProposalRequest',
    proposal: { ...zeroProposal, polRound: -1 },
    chainId: '',
  };
  assert.ok(hexOf(encodeMessage(message)).includes('20ffffffffffffffffff01'));
});

test("a timestamp that was not sent is Go's zero time; an empty one is 1970", () => {
  const seconds = (hex: string) => {
    const decoded = decodeMessage(bytesOf(hex));
    return decoded.kind === 'signVoteRequest' ? decoded.vote?.timestamp.seconds : undefined;
  };
  assert.equal(seconds('1a020a00'), -62_135_596_800n);
  assert.equal(seconds('1a040a022a00'), 0n);
});

const unreadable: readonly (readonly [why: string, hex: string, error: PrivvalCode])[] = [
  ['no kind is set', '', 'PRIVVAL_EMPTY_MESSAGE'],
  ['a kind that is not known here', '5a00', 'PRIVVAL_EMPTY_MESSAGE'],
  ['a known kind with another wire type', '3801', 'PRIVVAL_EMPTY_MESSAGE'],
  ['a body that ends early', '1a7f0a', 'PRIVVAL_UNDECODABLE'],
  ['field number 0', '0200', 'PRIVVAL_UNDECODABLE'],
  ['a group that never ends', '0b', 'PRIVVAL_UNDECODABLE'],
];
for (const [why, hex, expected] of unreadable) {
  test(`${expected}: ${why}`, () => {
    assert.throws(() => decodeMessage(bytesOf(hex)), code(expected));
  });
}

test('a block id is nil only if all of it is empty', () => {
  const parts = { ...nilBlockId, partSetHeader: { total: 1, hash: empty } };
  const partsHash = {
    ...nilBlockId,
    partSetHeader: { total: 0, hash: blockId.partSetHeader.hash },
  };
  assert.deepEqual(
    [nilBlockId, blockId, parts, partsHash].map((id) => isNilBlock(id)),
    [true, false, false, false],
  );
});
