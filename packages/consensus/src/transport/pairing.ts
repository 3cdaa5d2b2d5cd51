/**
 * Which connection of one pair of replicas is the link. Both sides dial, so there may be several.
 *
 * Owns    the rule by which both sides come to use the same one.
 * Never   touches a socket.
 * Rule    The higher identity offers one connection at a time and the lower one agrees to what is offered,
 *         so two are never agreed on at once, and nothing is lost in a change from one to the other. While
 *         an offer or a link stands, further connections wait: they are let go once it is agreed, or are
 *         its successors if it ends. A new run of the peer does not wait: its old link is dead.
 * Proof   test/transport-pairing.test.ts; conformance/transport.ts (both dial, one link).
 */
import type { MemberId } from '../core/types.js';

export function offers(self: MemberId, peer: MemberId): boolean {
  return self > peer;
}

export interface Candidate {
  readonly runId: string;
  readonly offered: boolean;
}

/**
 * @param candidates  connections with one peer that both judged well, oldest first
 * @param linkedRunId  the run of the peer that the link in use, if any, belongs to
 * @returns the one to offer now, or null
 */
export function nextToOffer<C extends Candidate>(
  candidates: readonly C[],
  linkedRunId: string | null,
): C | null {
  if (candidates.some(({ offered }) => offered)) return null;
  return candidates.findLast(({ runId }) => runId !== linkedRunId) ?? null;
}
