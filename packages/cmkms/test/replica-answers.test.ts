/** Which outcome is a typed error, and which one drops the connection: every outcome there is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { voteSignBytes } from '@cometkms/sign-state';
import type { NotNow, RefusedRequest } from '@cometkms/signer';
import { answerOf } from '../src/replica/answers.js';
import { remoteErrorCodes } from '../src/replica/remote-error-codes.js';

const stages = { queue: 0, commit: 0, watermark: 0, sign: 0, verify: 0, total: 0 };
const proof = { term: 1, index: 1, commitMs: 0 };

test('a release carries the timestamp that was signed, not the one that was asked for', () => {
  const signBytes = voteSignBytes('test-1', {
    type: 2,
    height: 7n,
    round: 0,
    blockId: null,
    timestamp: { seconds: 1_700_000_000n, nanos: 42 },
  });
  const signature = Uint8Array.of(1);
  const extensionSignature = Uint8Array.of(2);
  const released = { signBytes, signature, extensionSignature, proof, stages };
  assert.deepEqual(answerOf('a', { kind: 'released', verdict: 'retimed', ...released }), {
    kind: 'signed',
    signature,
    timestamp: { seconds: 1_700_000_000n, nanos: 42 },
    extensionSignature,
  });
});

const refusals = Object.keys(remoteErrorCodes).filter((code) => code !== 'NO_QUORUM');
for (const code of refusals as RefusedRequest['code'][]) {
  test(`${code} is a typed error that names the replica: final, and the link stays`, () => {
    assert.deepEqual(answerOf('kms-a', { kind: 'refused', code, detail: 'stored X' }), {
      kind: 'refused',
      code: remoteErrorCodes[code],
      description: `cmkms kms-a ${code}: stored X`,
    });
  });
}

for (const reason of ['notLeader', 'unknown', 'timeout', 'busy', 'stopped'] as NotNow['reason'][]) {
  test(`${reason} drops the connection: the node asks again`, () => {
    const answer = answerOf('kms-a', { kind: 'notNow', reason, leader: null });
    assert.equal(answer.kind, 'drop');
  });
}

test('no quorum for long is a typed error: the node loses votes, and not its height', () => {
  const answer = answerOf('kms-a', { kind: 'noQuorum', leaderlessMs: 2500 });
  assert.equal(answer.kind === 'refused' && answer.code, remoteErrorCodes.NO_QUORUM);
});

test('no two codes share a number', () => {
  const numbers = Object.values(remoteErrorCodes);
  assert.equal(new Set(numbers).size, numbers.length);
});
