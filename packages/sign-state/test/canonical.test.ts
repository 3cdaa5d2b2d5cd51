/**
 * Canonical sign bytes against those of CometBFT, tendermint-rs and tmkms, and what the reader refuses.
 *
 * Owns    the golden vectors. V*: CometBFT types/vote_test.go. R*, P*, E0: written by Go Tendermint, kept in
 *         tendermint-rs (sign_vote.rs, sign_proposal.rs). K*: tmkms src/privval.rs. O*: from the inputs of
 *         CometBFT's own tests, whose bytes it computes when they run.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  type BlockId,
  extensionSignBytes,
  proposalSignBytes,
  readSignBytes,
  SignStateError,
  voteSignBytes,
} from '../src/index.js';

const CHAIN = 'test_chain_id';
const GO_ZERO_TIME = { seconds: -62_135_596_800n, nanos: 0 };
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'ascii'));
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const sha256 = (text: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(text).digest());
const block = (hash: Uint8Array, total: number, partsHash: Uint8Array): BlockId => ({
  hash,
  partSetHeader: { total, hash: partsHash },
});

const zeroVote = {
  type: 0,
  height: 1n,
  round: 1,
  blockId: block(ascii(''), 0, ascii('')),
  timestamp: GO_ZERO_TIME,
};
const blockR = block(
  ascii('DEADBEEFDEADBEEFBAFBAFBAFBAFBAFA'),
  1_000_000,
  ascii('0022446688AACCEE1133557799BBDDFF'),
);
const timeR = { seconds: 1_514_170_801n, nanos: 234_000_000 }; // 2017-12-25T03:00:01.234Z
const prevoteR = { type: 1, height: 12345n, round: 2, blockId: blockR, timestamp: timeR };
const blockP = block(
  hex('DEADBEEFDEADBEEFBAFBAFBAFBAFBAFA'.repeat(2)),
  65535,
  hex('0022446688AACCEE1133557799BBDDFF'.repeat(2)),
);
const timeP = { seconds: 1_518_332_962n, nanos: 765_000_000 }; // 2018-02-11T07:09:22.765Z
const proposalP = { height: 12345n, round: 23456, polRound: -1, blockId: blockP, timestamp: timeP };
const prevoteK = {
  type: 1,
  height: 500_001n,
  round: 2,
  blockId: block(
    ascii('some hash00000000000000000000000'),
    1_000_000,
    ascii('parts_hash0000000000000000000000'),
  ),
  timestamp: { seconds: 1_696_413_600n, nanos: 0 }, // 2023-10-04T10:00:00Z
};
const precommitO = {
  type: 2,
  height: 12345n,
  round: 2,
  blockId: block(sha256('blockID_hash'), 1_000_000, sha256('blockID_part_set_header_hash')),
  timestamp: timeR,
};
const nameO = ascii('--June_15_2020_amino_was_removed');
const proposalO = { ...proposalP, blockId: block(nameO, 111, nameO) };

type Golden = readonly [
  id: string,
  what: string,
  write: () => Uint8Array,
  hex: string,
  signable: boolean,
];
const golden: readonly Golden[] = [
  [
    'V0',
    'a vote of nothing but zeros',
    () => voteSignBytes('', { ...zeroVote, round: 0, height: 0n }),
    '0d2a0b088092b8c398feffffff01',
    false,
  ],
  [
    'V1',
    'a nil precommit without a chain',
    () => voteSignBytes('', { ...zeroVote, type: 2 }),
    '2108021101000000000000001901000000000000002a0b088092b8c398feffffff01',
    true,
  ],
  [
    'V2',
    'a nil prevote without a chain',
    () => voteSignBytes('', { ...zeroVote, type: 1 }),
    '2108011101000000000000001901000000000000002a0b088092b8c398feffffff01',
    true,
  ],
  [
    'V3',
    'type 0 is left out',
    () => voteSignBytes('', zeroVote),
    '1f1101000000000000001901000000000000002a0b088092b8c398feffffff01',
    false,
  ],
  [
    'V4',
    'type 0 and a chain',
    () => voteSignBytes(CHAIN, zeroVote),
    '2e1101000000000000001901000000000000002a0b088092b8c398feffffff01320d746573745f63' +
      '6861696e5f6964',
    false,
  ],
  [
    'R1',
    'a prevote for a block',
    () => voteSignBytes(CHAIN, prevoteR),
    '7c0801113930000000000000190200000000000000224a0a20444541444245454644454144424545' +
      '4642414642414642414642414642414641122608c0843d1220303032323434363638384141434345' +
      '45313133333535373739394242444446462a0b08b1d381d20510809dca6f320d746573745f636861' +
      '696e5f6964',
    true,
  ],
  [
    'R2',
    'an empty block hash with parts is not nil',
    () => voteSignBytes(CHAIN, { ...prevoteR, blockId: { ...blockR, hash: new Uint8Array(0) } }),
    '5a08011139300000000000001902000000000000002228122608c0843d1220303032323434363638' +
      '38414143434545313133333535373739394242444446462a0b08b1d381d20510809dca6f320d7465' +
      '73745f636861696e5f6964',
    true,
  ],
  [
    'P1',
    'a proposal without a proof-of-lock round',
    () => proposalSignBytes(CHAIN, proposalP),
    '8801082011393000000000000019a05b00000000000020ffffffffffffffffff012a4a0a20deadbe' +
      'efdeadbeefbafbafbafbafbafadeadbeefdeadbeefbafbafbafbafbafa122608ffff031220002244' +
      '6688aaccee1133557799bbddff0022446688aaccee1133557799bbddff320c08a2d8ffd30510c0f2' +
      'e3ec023a0d746573745f636861696e5f6964',
    true,
  ],
  [
    'P2',
    'a proposal with parts but no block hash',
    () =>
      proposalSignBytes(CHAIN, { ...proposalP, blockId: { ...blockP, hash: new Uint8Array(0) } }),
    '66082011393000000000000019a05b00000000000020ffffffffffffffffff012a28122608ffff03' +
      '12200022446688aaccee1133557799bbddff0022446688aaccee1133557799bbddff320c08a2d8ff' +
      'd30510c0f2e3ec023a0d746573745f636861696e5f6964',
    true,
  ],
  [
    'K1',
    'a proposal of nothing',
    () =>
      proposalSignBytes(CHAIN, {
        height: 12345n,
        round: 1,
        polRound: -1,
        blockId: null,
        timestamp: { seconds: 1_696_413_600n, nanos: 0 },
      }),
    '36082011393000000000000019010000000000000020ffffffffffffffffff01320608a0eff4a806' +
      '3a0d746573745f636861696e5f6964',
    true,
  ],
  [
    'K2',
    'a prevote at whole seconds',
    () => voteSignBytes(CHAIN, prevoteK),
    '7708011121a1070000000000190200000000000000224a0a20736f6d652068617368303030303030' +
      '3030303030303030303030303030303030122608c0843d122070617274735f686173683030303030' +
      '30303030303030303030303030303030302a0608a0eff4a806320d746573745f636861696e5f6964',
    true,
  ],
  [
    'E0',
    'at the epoch the timestamp is there, and empty',
    () =>
      voteSignBytes('A', {
        type: 1,
        height: 1n,
        round: 0,
        blockId: null,
        timestamp: { seconds: 0n, nanos: 0 },
      }),
    '1008011101000000000000002a00320141',
    true,
  ],
  [
    'O1',
    'a precommit for a block',
    () => voteSignBytes(CHAIN, precommitO),
    '7c0802113930000000000000190200000000000000224a0a208b01023386c371778ecb6368573e53' +
      '9afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa7057' +
      '3392c5159666a3f8caf11e413aac52207a2a0b08b1d381d20510809dca6f320d746573745f636861' +
      '696e5f6964',
    true,
  ],
  [
    'O4',
    'a nil precommit, round left out',
    () => voteSignBytes(CHAIN, { ...precommitO, height: 1n, round: 0, blockId: null }),
    '2708021101000000000000002a0b08b1d381d20510809dca6f320d746573745f636861696e5f6964',
    true,
  ],
  [
    'O5',
    'a proposal with few parts',
    () => proposalSignBytes(CHAIN, proposalO),
    '8601082011393000000000000019a05b00000000000020ffffffffffffffffff012a480a202d2d4a' +
      '756e655f31355f323032305f616d696e6f5f7761735f72656d6f7665641224086f12202d2d4a756e' +
      '655f31355f323032305f616d696e6f5f7761735f72656d6f766564320c08a2d8ffd30510c0f2e3ec' +
      '023a0d746573745f636861696e5f6964',
    true,
  ],
];

for (const [id, what, write, expected, signable] of golden) {
  test(`${id}: ${what}`, () => {
    assert.equal(Buffer.from(write()).toString('hex'), expected);
    if (signable) readSignBytes(hex(expected));
    else assert.throws(() => readSignBytes(hex(expected)), SignStateError);
  });
}

const goldenExtensions: readonly (readonly [string, string, () => Uint8Array, string])[] = [
  [
    'O2',
    'an extension',
    () => extensionSignBytes(CHAIN, 12345n, 2, ascii('extension')),
    '2c0a09657874656e73696f6e113930000000000000190200000000000000220d746573745f636861' +
      '696e5f6964',
  ],
  [
    'O3',
    'an empty extension is signed too',
    () => extensionSignBytes(CHAIN, 1n, 0, new Uint8Array(0)),
    '18110100000000000000220d746573745f636861696e5f6964',
  ],
];

for (const [id, what, write, expected] of goldenExtensions) {
  test(`${id}: ${what}, and is never taken for a vote`, () => {
    assert.equal(Buffer.from(write()).toString('hex'), expected);
    assert.throws(() => readSignBytes(hex(expected)), SignStateError);
  });
}

test('a number that is no whole one is written by nobody', () => {
  for (const odd of [1.5, -0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const odds = [
      { ...zeroVote, type: odd },
      { ...zeroVote, round: odd },
      { ...zeroVote, blockId: block(ascii(''), odd, ascii('')) },
      { ...zeroVote, timestamp: { seconds: 0n, nanos: odd } },
    ];
    for (const vote of odds) assert.throws(() => voteSignBytes(CHAIN, vote), RangeError);
    const proposal = { ...zeroVote, polRound: odd };
    assert.throws(() => proposalSignBytes(CHAIN, proposal), RangeError);
  }
});
