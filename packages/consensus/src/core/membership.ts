/**
 * Who votes, who only follows, and in which order they stand for election.
 *
 * Owns    the one answer to "which membership is in force". It is the snapshot's; a change in the
 *         log would come in here and nowhere else (rules 31, 38 to 43).
 * Never   counts (quorum.ts), or remembers anything.
 * Proof   test/core-membership.test.ts.
 */
import type { Core } from './core.js';
import { reachedByMajority } from './quorum.js';
import type { MemberId, Membership } from './types.js';

export function membershipInForce(core: Core): Membership {
  return core.snapshot.membership;
}

export function voters(core: Core): readonly MemberId[] {
  return membershipInForce(core).voters.map((member) => member.id);
}

export function isVoter(core: Core, id: MemberId): boolean {
  return membershipInForce(core).voters.some((member) => member.id === id);
}

export function isMember(core: Core, id: MemberId): boolean {
  return isVoter(core, id) || membershipInForce(core).learners.some((member) => member.id === id);
}

/**
 * All others that a leader replicates to: learners too, though they count for nothing (rule 41).
 */
export function peers(core: Core): readonly MemberId[] {
  const { voters: voting, learners } = membershipInForce(core);
  return [...voting, ...learners]
    .map((member) => member.id)
    .filter((id) => id !== core.config.self);
}

export function otherVoters(core: Core): readonly MemberId[] {
  return voters(core).filter((id) => id !== core.config.self);
}

/** True where this replica alone is the quorum, so nobody need be waited for. */
export function isSoleVoter(core: Core): boolean {
  return isVoter(core, core.config.self) && voters(core).length === 1;
}

/** The highest value that a quorum of voters has reached; `reachedBy` is asked for voters only. */
export function reachedByQuorum(core: Core, reachedBy: (voter: MemberId) => number): number {
  return reachedByMajority(voters(core).map(reachedBy));
}

/**
 * This replica's place among those that may succeed, 0 first. All replicas derive the same order,
 * so their timers do not collide. Witnesses come last: a leader without a key would only hand over.
 * Each failed attempt moves the place by one, so that a sick first one cannot starve the rest.
 */
export function electionRank(core: Core): number {
  const { voters: voting } = membershipInForce(core);
  const ordered = [...voting.filter((m) => !m.witness), ...voting.filter((m) => m.witness)];
  const standing = ordered
    .map((member) => member.id)
    .filter((id) => id === core.config.self || !isGone(core, id));
  const place = standing.indexOf(core.config.self);
  return place < 0 ? standing.length : (place + core.failedAttempts) % standing.length;
}

function isGone(core: Core, id: MemberId): boolean {
  return id === core.leader || core.closedLinks.has(id);
}
