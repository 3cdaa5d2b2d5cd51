/**
 * The outcome label of a gate's answer.
 *
 * Owns    this one mapping, total over the answers that exist.
 * Never   sees `invalid` or `wrong_chain`: those requests are refused before the gate.
 * Proof   test/metrics-outcome.test.ts.
 */
import type { SignOutcome } from '@cometkms/signer';
import type { Outcome } from './catalogue.js';

const refusals = {
  CONFLICT: 'conflict',
  REGRESSED: 'regressed',
  HALTED: 'halted',
  LEAP: 'leap',
  CUTOVER: 'cutover',
  RETIRED: 'retired',
  UNREGISTERED: 'unregistered',
  MALFORMED: 'invalid',
  // With type=proposal, `retimed` is always this refusal: a retimed vote is answered.
  PROPOSAL_RETIMED: 'retimed',
  WATERMARK: 'watermark',
  BACKEND: 'backend_error',
} as const satisfies Record<string, Outcome>;

export function outcomeOf(answer: SignOutcome): Outcome {
  if (answer.kind === 'released') return answer.verdict;
  if (answer.kind === 'refused') return refusals[answer.code];
  if (answer.reason !== 'notLeader') return 'timeout';
  return answer.leader === null ? 'no_quorum' : 'not_leader';
}
