/**
 * From the outcome of a sign request to what its validator gets.
 *
 * Owns    the one table that says which failure is a typed error (final: the node goes on without this signature)
 *         and which is a dropped connection (the node asks again, 50 times at 100 ms).
 * Never   decides an outcome, or turns "we do not know" into an answer.
 * Rule    docs/architecture.md, the verdicts; CometBFT privval/retry_signer_client.go for what a node retries.
 * Proof   test/replica-answers.test.ts; against a real node in packages/interop.
 */
import type { SignAnswer } from '@cometkms/privval';
import { readSignBytes } from '@cometkms/sign-state';
import type { NotNow } from '@cometkms/signer';
import { remoteErrorCodes } from './remote-error-codes.js';
import type { RoutedOutcome } from './router.js';

/** What ends the connection. A typed error here would cost the vote though another replica may sign it. */
const drops: Readonly<Record<NotNow['reason'], string>> = {
  notLeader: 'no leader took the request within its second',
  unknown: 'the reservation may or may not have committed',
  timeout: 'no leader and no commit within a second',
  busy: 'too many requests wait for this key',
  stopped: 'this replica is ending',
};

/** @param replica the name that the node's log will show */
export function answerOf(replica: string, outcome: RoutedOutcome): SignAnswer {
  switch (outcome.kind) {
    case 'released':
      return {
        kind: 'signed',
        signature: outcome.signature,
        // The signed timestamp, which for a retimed vote is not the request's.
        timestamp: readSignBytes(outcome.signBytes).timestamp,
        extensionSignature: outcome.extensionSignature,
      };
    case 'refused':
      return refusal(replica, outcome.code, outcome.detail);
    case 'noQuorum': {
      const seconds = (outcome.leaderlessMs / 1000).toFixed(1);
      return refusal(
        replica,
        'NO_QUORUM',
        `no leader for ${seconds} s; nothing is signed until there is one`,
      );
    }
    case 'notNow':
      return { kind: 'drop', reason: drops[outcome.reason] };
  }
}

function refusal(replica: string, code: keyof typeof remoteErrorCodes, detail: string): SignAnswer {
  const description = `cmkms ${replica} ${code}: ${detail}`;
  return { kind: 'refused', code: remoteErrorCodes[code], description };
}
