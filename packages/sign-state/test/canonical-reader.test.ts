/** What the reader of sign bytes takes, what it makes of them, and each thing that it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  proposalSignBytes,
  readSignBytes,
  SignStateError,
  type VoteToSign,
  voteSignBytes,
} from '../src/index.js';
import { blockOf } from './world.js';

const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Sign bytes around a body in hex; blanks are for the reader of the test. */
const framed = (body: string): Uint8Array => {
  const bytes = fromHex(body.replaceAll(' ', ''));
  assert.ok(bytes.length < 128);
  return fromHex(Buffer.from([bytes.length]).toString('hex') + toHex(bytes));
};

// A nil prevote at height 1, round 0, at the epoch, of chain "A" (vector E0), field by field.
const TYPE = '0801';
const HEIGHT = '110100000000000000';
const TIME = '2a00';
const CHAIN = '320141';
const NIL_VOTE = `${TYPE} ${HEIGHT} ${TIME} ${CHAIN}`;
const HASH = '58'.repeat(32);
const BLOCK = `22 48 0a20${HASH} 1224 0801 1220${HASH}`;

const VOTE: VoteToSign = {
  type: 2,
  height: 1n,
  round: 0,
  blockId: null,
  timestamp: { seconds: 0n, nanos: 0 },
};
const PROPOSAL = { ...VOTE, polRound: 0 };

// ---------------------------------------------------------------------------------- accepted

test('a vote reads as what it says', () => {
  const timestamp = { seconds: 1_514_170_801n, nanos: 234_000_000 };
  const blockId = blockOf('X');
  const bytes = voteSignBytes('test-1', { type: 2, height: 12345n, round: 2, blockId, timestamp });
  const { content, ...rest } = readSignBytes(bytes);
  const hrs = { height: 12345n, round: 2, step: 3 };
  assert.deepEqual(rest, { chainId: 'test-1', hrs, timestamp, blockId, polRound: null });
  assert.equal(toHex(content), toHex(bytes).slice(2).replace('2a0b08b1d381d20510809dca6f', ''));
});

test('a proposal reads as what it says', () => {
  const timestamp = { seconds: 1n, nanos: 0 };
  const blockId = blockOf('X');
  const proposal = { height: 12345n, round: 2, polRound: -1, blockId, timestamp };
  const bytes = proposalSignBytes('test-1', proposal);
  const { content, ...rest } = readSignBytes(bytes);
  const hrs = { height: 12345n, round: 2, step: 1 };
  assert.deepEqual(rest, { chainId: 'test-1', hrs, timestamp, blockId, polRound: -1 });
  assert.equal(toHex(content), toHex(bytes).slice(2).replace('32020801', ''));
});

test('a prevote is step 2, a precommit step 3, a proposal step 1', () => {
  const steps = [
    voteSignBytes('A', { ...VOTE, type: 1 }),
    voteSignBytes('A', { ...VOTE, type: 2 }),
    proposalSignBytes('A', PROPOSAL),
  ].map((bytes) => readSignBytes(bytes).hrs.step);
  assert.deepEqual(steps, [2, 3, 1]);
});

test('what was read shares no memory with the bytes, also where these are a Buffer', () => {
  const buffer = Buffer.from(voteSignBytes('A', { ...VOTE, blockId: blockOf('X') }));
  const message = readSignBytes(buffer);
  const content = toHex(message.content);
  buffer.fill(0);
  assert.deepEqual(message.blockId, blockOf('X'));
  assert.equal(toHex(message.content), content);
});

const extremes: readonly (readonly [string, Uint8Array])[] = [
  ['the spelling that the refused ones below start from', framed(NIL_VOTE)],
  ['a block, likewise', framed(`${TYPE} ${HEIGHT} ${BLOCK} ${TIME} ${CHAIN}`)],
  ['the highest height', voteSignBytes('A', { ...VOTE, height: 2n ** 63n - 1n })],
  ['the highest round', voteSignBytes('A', { ...VOTE, round: 2 ** 31 - 1 })],
  [
    'the last nanosecond',
    voteSignBytes('A', { ...VOTE, timestamp: { seconds: 253_402_300_799n, nanos: 999_999_999 } }),
  ],
  [
    "Go's zero time",
    voteSignBytes('A', { ...VOTE, timestamp: { seconds: -62_135_596_800n, nanos: 0 } }),
  ],
  ['a chain id beyond ASCII', voteSignBytes('ünï-\u{1f511}', VOTE)],
  ['a chain id with a byte order mark', voteSignBytes('\ufeffA', VOTE)],
  [
    'the most parts',
    voteSignBytes('A', {
      ...VOTE,
      blockId: { hash: fromHex(HASH), partSetHeader: { total: 2 ** 32 - 1, hash: fromHex(HASH) } },
    }),
  ],
  [
    'the highest proof-of-lock round',
    proposalSignBytes('A', { ...PROPOSAL, polRound: 2 ** 31 - 1 }),
  ],
  ['a body above 127 bytes, its length in two', voteSignBytes('A'.repeat(200), VOTE)],
];
for (const [what, bytes] of extremes) {
  test(`read: ${what}`, () => {
    readSignBytes(bytes);
  });
}

test('a byte order mark is a part of the chain id, not dropped from it', () => {
  assert.equal(readSignBytes(voteSignBytes('\ufeffA', VOTE)).chainId, '\ufeffA');
});

// ----------------------------------------------------------------------------------- refused

const ZERO64 = '0000000000000000';
const withBlock = (block: string): Uint8Array =>
  framed(`${TYPE} ${HEIGHT} ${block} ${TIME} ${CHAIN}`);
const withTime = (time: string): Uint8Array => framed(`${TYPE} ${HEIGHT} ${time} ${CHAIN}`);
const withPolRound = (polRound: string): Uint8Array =>
  framed(`0820 ${HEIGHT} ${polRound} 3200 3a0141`);

const refused: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['an empty body', framed('')],
  ['a length prefix that is too long', fromHex(`11${toHex(framed(NIL_VOTE)).slice(2)}`)],
  ['a length prefix that is too short', fromHex(`0f${toHex(framed(NIL_VOTE)).slice(2)}`)],
  [
    'a length prefix in two bytes where one does',
    fromHex(`9000${toHex(framed(NIL_VOTE)).slice(2)}`),
  ],
  ['a length of 2^64-1', fromHex(`ffffffffffffffffff01${toHex(framed(NIL_VOTE)).slice(2)}`)],
  ['a length that never ends', fromHex('ff'.repeat(11))],
  ['no length prefix', framed(NIL_VOTE).subarray(1)],
  ['a byte after the end', fromHex(`${toHex(framed(NIL_VOTE))}00`)],
  // type
  ['no type', framed(`${HEIGHT} ${TIME} ${CHAIN}`)],
  ['type 0, spelled out', framed(`0800 ${HEIGHT} ${TIME} ${CHAIN}`)],
  ['type 3', framed(`0803 ${HEIGHT} ${TIME} ${CHAIN}`)],
  ['a type in two bytes where one does', framed(`088100 ${HEIGHT} ${TIME} ${CHAIN}`)],
  ['a proposal laid out as a vote', framed(`0820 ${HEIGHT} ${TIME} ${CHAIN}`)],
  ['a vote laid out as a proposal', framed(`0801 ${HEIGHT} 3200 3a0141`)],
  // height, round
  ['no height', framed(`${TYPE} ${TIME} ${CHAIN}`)],
  ['height 0, spelled out', framed(`${TYPE} 11${ZERO64} ${TIME} ${CHAIN}`)],
  ['a negative height', voteSignBytes('A', { ...VOTE, height: -1n })],
  ['a height as a varint', framed(`${TYPE} 1001 ${TIME} ${CHAIN}`)],
  ['a height that is cut short', framed(`${TYPE} 1101000000`)],
  ['round 0, spelled out', framed(`${TYPE} ${HEIGHT} 19${ZERO64} ${TIME} ${CHAIN}`)],
  ['a negative round', voteSignBytes('A', { ...VOTE, round: -1 })],
  ['a round above int32', voteSignBytes('A', { ...VOTE, round: 2 ** 31 })],
  // block id
  ['nil, spelled out', withBlock('22021200')],
  ['a block id of nothing', withBlock('2200')],
  ['a block id without part set header', withBlock(`2222 0a20${HASH}`)],
  ['a hash of 31 bytes', withBlock(`2223 0a1f${HASH.slice(2)} 1200`)],
  ['a hash of 33 bytes', withBlock(`2225 0a21${HASH}00 1200`)],
  ['a parts hash of 20 bytes', withBlock(`2218 1216 1214${HASH.slice(24)}`)],
  ['an empty hash, spelled out', withBlock(`2228 0a00 1224 0801 1220${HASH}`)],
  ['0 parts, spelled out', withBlock(`2226 1224 0800 1220${HASH}`)],
  ['2^32 parts', withBlock('2208 1206 088080808010')],
  ['-1 parts', withBlock('220d 120b 08ffffffffffffffffff01')],
  ['an unknown field in the block id', withBlock(`2226 0a20${HASH} 1200 1801`)],
  ['an unknown field in the part set header', withBlock('2206 1204 0801 1801')],
  // timestamp
  ['no timestamp', framed(`${TYPE} ${HEIGHT} ${CHAIN}`)],
  ['two timestamps', withTime('2a00 2a00')],
  ['0 seconds, spelled out', withTime('2a02 0800')],
  ['0 nanoseconds, spelled out', withTime('2a02 1000')],
  ['nanoseconds before seconds', withTime('2a04 1001 0801')],
  [
    'a whole second of nanoseconds',
    voteSignBytes('A', { ...VOTE, timestamp: { seconds: 0n, nanos: 1_000_000_000 } }),
  ],
  ['negative nanoseconds', voteSignBytes('A', { ...VOTE, timestamp: { seconds: 0n, nanos: -1 } })],
  [
    'a time before the year 1',
    voteSignBytes('A', { ...VOTE, timestamp: { seconds: -62_135_596_801n, nanos: 0 } }),
  ],
  [
    'a time after the year 9999',
    voteSignBytes('A', { ...VOTE, timestamp: { seconds: 253_402_300_800n, nanos: 0 } }),
  ],
  ['an unknown field in the timestamp', withTime('2a02 1801')],
  // chain id
  ['an empty chain id, spelled out', framed(`${TYPE} ${HEIGHT} ${TIME} 3200`)],
  ['a chain id that is no UTF-8', framed(`${TYPE} ${HEIGHT} ${TIME} 3201ff`)],
  ['half a surrogate pair', framed(`${TYPE} ${HEIGHT} ${TIME} 3203eda080`)],
  ['two chain ids', framed(`${TYPE} ${HEIGHT} ${TIME} ${CHAIN} ${CHAIN}`)],
  ['a chain id that is cut short', framed(`${TYPE} ${HEIGHT} ${TIME} 320241`)],
  // order and unknown fields
  ['the height before the type', framed(`${HEIGHT} ${TYPE} ${TIME} ${CHAIN}`)],
  ['the timestamp after the chain id', framed(`${TYPE} ${HEIGHT} ${CHAIN} ${TIME}`)],
  ['a field that votes do not have', framed(`${NIL_VOTE} 3801`)],
  ['a tag in two bytes where one does', framed(`${TYPE} 9100${HEIGHT.slice(2)} ${TIME} ${CHAIN}`)],
  // proposals
  ['proof-of-lock round 0, spelled out', withPolRound('2000')],
  ['proof-of-lock round -1 in 32 bits', withPolRound('20ffffffff0f')],
  ['a proof-of-lock round above int32', withPolRound('208080808008')],
  ['a field that proposals do not have', framed(`0820 ${HEIGHT} 3200 3a0141 4001`)],
];
for (const [what, bytes] of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => readSignBytes(bytes),
      (error) => error instanceof SignStateError && error.code === 'SIGN_STATE_NOT_CANONICAL',
    );
  });
}

test('refused: every beginning of sign bytes', () => {
  for (const bytes of [framed(NIL_VOTE), withBlock(BLOCK), proposalSignBytes('A', PROPOSAL)]) {
    readSignBytes(bytes);
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => readSignBytes(bytes.subarray(0, length)), SignStateError);
    }
  }
});
