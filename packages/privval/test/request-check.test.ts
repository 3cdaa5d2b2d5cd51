/**
 * Which requests reach the signer: a row for each reason to refuse one, and the extension rule.
 *
 * Owns    nothing.
 * Never   opens a socket: what a refusal does to the connection is session.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PrivvalCode, PrivvalError } from '../src/errors.js';
import type { BlockId, Proposal, Vote } from '../src/messages.js';
import { checkProposal, checkVote } from '../src/request-check.js';
import {
  blockId,
  empty,
  nilBlockId,
  precommit,
  prevote,
  proposal,
  time,
  zeroVote,
} from './vectors.js';

const chainId = 'test-1';
const withHash = (length: number): BlockId => ({ ...blockId, hash: new Uint8Array(length) });
const withPartsHash = (length: number): BlockId => ({
  ...blockId,
  partSetHeader: { total: 1, hash: new Uint8Array(length) },
});
const at = (seconds: bigint, nanos = 0) => ({ seconds, nanos });

function askVote(vote: Vote | null, options: { chain?: string; skip?: boolean } = {}) {
  const { chain = chainId, skip = false } = options;
  return checkVote(
    { kind: 'signVoteRequest', vote, chainId: chain, skipExtensionSigning: skip },
    chainId,
  );
}

function askProposal(asked: Proposal | null, chain = chainId) {
  return checkProposal({ kind: 'signProposalRequest', proposal: asked, chainId: chain }, chainId);
}

function refused(result: unknown, code: PrivvalCode, says: RegExp): void {
  assert.ok(result instanceof PrivvalError, 'it was let through');
  assert.equal(result.code, code);
  assert.match(result.message, says);
}

const flawsOfBoth: readonly (readonly [
  why: string,
  change: Partial<Pick<Vote, 'height' | 'round' | 'blockId' | 'timestamp'>>,
  says: RegExp,
])[] = [
  ['height 0', { height: 0n }, /height 0 is below 1/],
  ['a negative height', { height: -1n }, /height -1 /],
  ['the lowest height', { height: -(2n ** 63n) }, /height -9223372036854775808 /],
  ['a negative round', { round: -1 }, /round -1 /],
  ['a block hash of 5 bytes', { blockId: withHash(5) }, /block hash has 5 bytes/],
  ['a block hash of 31 bytes', { blockId: withHash(31) }, /block hash has 31 bytes/],
  ['a block hash of 33 bytes', { blockId: withHash(33) }, /block hash has 33 bytes/],
  ['a part set hash of 5 bytes', { blockId: withPartsHash(5) }, /part set hash has 5 bytes/],
  ['a time before the year 1', { timestamp: at(-62_135_596_801n) }, /timestamp/],
  ['a time after the year 9999', { timestamp: at(253_402_300_800n) }, /timestamp/],
  ['negative nanoseconds', { timestamp: at(0n, -1) }, /-1 ns/],
  ['a whole second of nanoseconds', { timestamp: at(0n, 1_000_000_000) }, /1000000000 ns/],
];
for (const [why, change, says] of flawsOfBoth) {
  test(`a vote is refused for ${why}`, () => {
    refused(askVote({ ...prevote, ...change }), 'PRIVVAL_BAD_REQUEST', says);
  });
  test(`a proposal is refused for ${why}`, () => {
    refused(askProposal({ ...proposal, ...change }), 'PRIVVAL_BAD_REQUEST', says);
  });
}

for (const type of [0, 3, 7, 32, -1]) {
  test(`vote type ${type} is refused`, () => {
    refused(askVote({ ...prevote, type }), 'PRIVVAL_BAD_REQUEST', new RegExp(`type ${type} `));
  });
}

test('a request without its content is refused', () => {
  refused(askVote(null), 'PRIVVAL_BAD_REQUEST', /no vote/);
  refused(askProposal(null), 'PRIVVAL_BAD_REQUEST', /no proposal/);
  refused(askVote(zeroVote), 'PRIVVAL_BAD_REQUEST', /type 0/);
});

test('a validator address must have 20 bytes, or none', () => {
  refused(
    askVote({ ...prevote, validatorAddress: new Uint8Array(2000) }),
    'PRIVVAL_BAD_REQUEST',
    /2000 bytes/,
  );
  assert.ok(!(askVote({ ...prevote, validatorAddress: empty }) instanceof PrivvalError));
});

test('a proof-of-lock round below -1 is refused, -1 is none', () => {
  refused(askProposal({ ...proposal, polRound: -2 }), 'PRIVVAL_BAD_REQUEST', /-2/);
  assert.ok(!(askProposal({ ...proposal, polRound: -1 }) instanceof PrivvalError));
});

test('another chain is refused before anything else is looked at', () => {
  for (const chain of ['', 'test-2', 'TEST-1', 'test-1 ']) {
    refused(askVote(null, { chain }), 'PRIVVAL_WRONG_CHAIN', /test-1/);
    refused(askProposal(null, chain), 'PRIVVAL_WRONG_CHAIN', /test-1/);
  }
});

test('a long or unprintable chain id does not reach the log as it is', () => {
  const error = askVote(null, { chain: `\n\x1b[31m\x9b31m\u202e${'x'.repeat(5000)}` });
  assert.ok(error instanceof PrivvalError);
  assert.ok(error.message.length < 300);
  assert.match(error.message, /^[\x20-\x7e]+$/);
});

const accepted: readonly (readonly [why: string, vote: Vote])[] = [
  ['the first height and round', { ...prevote, height: 1n, round: 0 }],
  ['the highest height', { ...prevote, height: 2n ** 63n - 1n }],
  ['a height of 10^15: the record judges leaps', { ...prevote, height: 10n ** 15n }],
  ['nil', { ...prevote, blockId: nilBlockId }],
  ['parts without a block hash', { ...prevote, blockId: { ...blockId, hash: empty } }],
  ['the last nanosecond', { ...prevote, timestamp: at(253_402_300_799n, 999_999_999) }],
  ["Go's zero time", { ...prevote, timestamp: at(-62_135_596_800n) }],
];
for (const [why, vote] of accepted) {
  test(`a vote is let through with ${why}`, () => {
    const request = askVote(vote);
    assert.ok(!(request instanceof PrivvalError));
    const { height, round, timestamp } = vote;
    assert.deepEqual(
      [request.height, request.round, request.timestamp, request.blockId, request.chainId],
      [height, round, timestamp, vote.blockId, chainId],
    );
  });
}

test('a proposal is let through whatever type it names', () => {
  for (const type of [1, 32]) {
    assert.deepEqual(askProposal({ ...proposal, type }), {
      ...{ kind: 'proposal', chainId, height: 3n, round: 2, polRound: 2, blockId },
      timestamp: time,
    });
  }
});

const extension = Uint8Array.of(1);
const partsOnly = { ...blockId, hash: empty };
const extensionRows: readonly (readonly [
  why: string,
  vote: Vote,
  skip: boolean,
  wanted: boolean | 'refused',
])[] = [
  ['a precommit for a block', { ...precommit, extension }, false, true],
  ['also an empty one', { ...precommit, extension: empty }, false, true],
  ['a precommit for parts without a hash', { ...precommit, blockId: partsOnly }, false, true],
  ['not if the node says skip', { ...precommit, extension }, true, false],
  ['not for a prevote', { ...prevote, extension: empty }, false, false],
  ['not for a prevote with skip', { ...prevote, extension: empty }, true, false],
  ['not for nil', { ...precommit, blockId: nilBlockId, extension: empty }, false, false],
  ['a prevote with one', { ...prevote, extension }, false, 'refused'],
  ['nil with one', { ...precommit, blockId: nilBlockId, extension }, false, 'refused'],
  ['a prevote with one, but skip', { ...prevote, extension }, true, false],
  ['nil with one, but skip', { ...precommit, blockId: nilBlockId, extension }, true, false],
];
for (const [why, vote, skip, wanted] of extensionRows) {
  test(`extension ${wanted === true ? 'signed' : wanted || 'not signed'}: ${why}`, () => {
    const request = askVote(vote, { skip });
    if (wanted === 'refused') {
      refused(request, 'PRIVVAL_UNEXPECTED_EXTENSION', /only precommits for a block/);
      return;
    }
    assert.ok(!(request instanceof PrivvalError));
    assert.equal(request.extensionWanted, wanted);
  });
}
