/**
 * When this replica wants to be woken next.
 *
 * Owns    every delay before an attempt to lead, and the one deadline that the driver keeps.
 * Never   acts on a deadline: step.ts does.
 * Rule    rules 28, 32; docs/architecture.md, 4.5.
 * Proof   test/core-election.test.ts.
 */
import type { Core } from './core.js';
import { quorumAnsweredAt } from './lease.js';
import { electionRank, standsForElection } from './membership.js';
import { electionTimeoutInForceMs } from './stall.js';
import type { Millis } from './types.js';

/** At 120 ms: ranks are 30 ms apart, jitter is up to 5 ms, ranks after a closed link 3 ms apart. */
const ranksPerTimeout = 4;
const jittersPerTimeout = 24;
const hintRanksPerTimeout = 40;

/** Drawn anew at each reset (rule 32); the rank, not luck, keeps two replicas apart. */
export function electionDelayMs(core: Core, now: Millis): number {
  return electionTimeoutInForceMs(core, now) + staggerMs(core, now);
}

/**
 * The first attempt that fails is repeated soon: most often the others' timers ran a little longer.
 */
export function retryDelayMs(core: Core, now: Millis): number {
  if (core.failedAttempts > 1) return electionDelayMs(core, now);
  return core.config.heartbeatIntervalMs + staggerMs(core, now);
}

/** A closed link to the leader is a hint: the first in rank asks at once. */
export function hintDelayMs(core: Core): number {
  return (electionRank(core) * core.config.electionTimeoutMs) / hintRanksPerTimeout;
}

function staggerMs(core: Core, now: Millis): number {
  const timeoutMs = electionTimeoutInForceMs(core, now);
  const jitterMs = core.random.upTo(Math.floor(core.config.electionTimeoutMs / jittersPerTimeout));
  return (electionRank(core) * timeoutMs) / ranksPerTimeout + jitterMs;
}

/**
 * Until when a leader that hears no quorum may still believe that it leads (check-quorum, rule 28).
 */
export function checkQuorumDeadline(core: Core, now: Millis): Millis {
  if (core.role.kind !== 'leader') return Number.POSITIVE_INFINITY;
  const silentUntil = quorumAnsweredAt(core, core.role) + electionTimeoutInForceMs(core, now);
  return Math.max(silentUntil, core.role.graceUntil);
}

/** Infinite where there is nothing to wait for. */
export function nextDeadline(core: Core, now: Millis): Millis {
  if (core.role.kind === 'leader') {
    return Math.min(
      core.role.peers.size > 0 ? core.role.heartbeatDue : Number.POSITIVE_INFINITY,
      checkQuorumDeadline(core, now),
      core.role.transfer?.deadline ?? Number.POSITIVE_INFINITY,
    );
  }
  if (!standsForElection(core)) return Number.POSITIVE_INFINITY;
  const repeatDue = core.role.kind === 'candidate' ? core.role.repeatDue : Number.POSITIVE_INFINITY;
  return Math.min(core.electionDeadline, core.hintDeadline, repeatDue);
}
