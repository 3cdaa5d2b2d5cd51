/**
 * What an answer holds, and which answers are held back.
 *
 * Owns    nothing.
 * Never   opens a socket.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proposalAnswer, type SignAnswer, voteAnswer } from '../src/answer.js';
import { PrivvalError } from '../src/errors.js';
import { encodeMessage } from '../src/message-codec.js';
import { blockId, empty, precommit, time } from './vectors.js';

const { height, round, validatorAddress, validatorIndex } = precommit;
const request = {
  ...({ kind: 'vote', chainId: 'test-1', type: 2, height, round, blockId } as const),
  ...{ timestamp: time, validatorAddress, validatorIndex },
  extension: new Uint8Array(1_000_000),
  extensionWanted: true,
};
const proposalRequest = {
  ...({ kind: 'proposal', chainId: 'test-1', height, round, polRound: -1, blockId } as const),
  timestamp: time,
};

const earlier = { seconds: time.seconds - 5n, nanos: 7 };
const signature = new Uint8Array(64).fill(1);
const extensionSignature = new Uint8Array(64).fill(2);
const signed = { kind: 'signed', signature, timestamp: earlier, extensionSignature } as const;

test('a vote answer carries what was signed and an echo, but no extension', () => {
  const answer = voteAnswer(request, signed);
  assert.deepEqual(answer, {
    kind: 'signedVoteResponse',
    error: null,
    vote: {
      ...{ type: 2, height, round, blockId, validatorAddress, validatorIndex },
      ...{ timestamp: earlier, signature, extensionSignature, extension: empty },
    },
  });
  assert.ok(!(answer instanceof PrivvalError));
  assert.ok(encodeMessage(answer).length < 10_240, 'nodes before 0.40 accept no more');
});

test('a proposal answer carries what was signed and echoes the request', () => {
  const { polRound } = proposalRequest;
  assert.deepEqual(proposalAnswer(proposalRequest, { ...signed, extensionSignature: null }), {
    kind: 'signedProposalResponse',
    error: null,
    proposal: { type: 32, height, round, polRound, blockId, timestamp: earlier, signature },
  });
});

test('a refusal carries the error alone, cut to what a node accepts', () => {
  const refused: SignAnswer = { kind: 'refused', code: 2, description: 'x'.repeat(20_000) };
  const error = { code: 2, description: 'x'.repeat(1000) };
  assert.deepEqual(voteAnswer(request, refused), {
    ...{ kind: 'signedVoteResponse', vote: null, error },
  });
  assert.deepEqual(proposalAnswer(proposalRequest, refused), {
    ...{ kind: 'signedProposalResponse', proposal: null, error },
  });
});

type Signed = Extract<SignAnswer, { kind: 'signed' }>;
const heldBack: readonly (readonly [why: string, wanted: boolean, answer: Signed])[] = [
  ['no extension signature where one is wanted', true, { ...signed, extensionSignature: null }],
  ['an empty one where one is wanted', true, { ...signed, extensionSignature: empty }],
  ['one where none is wanted', false, signed],
  ['an empty one where none is wanted', false, { ...signed, extensionSignature: empty }],
  ['no signature', true, { ...signed, signature: empty }],
];
for (const [why, extensionWanted, answer] of heldBack) {
  test(`an answer is held back: ${why}`, () => {
    const result = voteAnswer({ ...request, extensionWanted }, answer);
    assert.ok(result instanceof PrivvalError);
    assert.equal(result.code, 'PRIVVAL_ANSWER_UNFIT');
  });
}

test('a proposal answer is held back with an extension signature, or without a signature', () => {
  const wrong: Signed[] = [signed, { ...signed, extensionSignature: null, signature: empty }];
  for (const answer of wrong) {
    const result = proposalAnswer(proposalRequest, answer);
    assert.ok(result instanceof PrivvalError);
    assert.equal(result.code, 'PRIVVAL_ANSWER_UNFIT');
  }
});
