/**
 * Who votes, who only follows, and in which order they stand for election.
 *
 * Owns    the one answer to "which membership is in force": the last one in the log, committed or not
 *         (dissertation, 4.1), else the snapshot's. So a truncation rolls it back by itself (rule 39), and
 *         no election can be fought under one that is committed and not yet looked at (rule 31).
 * Never   counts (quorum.ts), or remembers anything.
 * Proof   test/core-membership.test.ts; test/core-world.test.ts compares it with the log at each step.
 */
import type { Core } from './core.js';
import { reachedByMajority } from './quorum.js';
import type { Index, Member, MemberId, Membership, PlacedMembership } from './types.js';

/** The one that the log up to `index` makes; not asked for what is compacted. */
export function membershipAt(core: Core, index: Index): PlacedMembership {
  // A snapshot is placed as well, and a copy of that alone would be made dozens of times for each entry.
  return core.log.membershipAt(index) ?? core.snapshot;
}

export function membershipInForce(core: Core): Membership {
  return membershipAt(core, core.log.lastIndex).membership;
}

export interface Standing {
  readonly inForce: PlacedMembership;
  /** The same, or the one before it: no more than one is under way. */
  readonly committed: PlacedMembership;
}

/**
 * Who is a member, and who surely is. Of a snapshot's membership it is known that it is committed, and not
 * since which index: the snapshot's own stands for it.
 */
export function standingOf(core: Core): Standing {
  return {
    inForce: membershipAt(core, core.log.lastIndex),
    committed: membershipAt(core, core.commit),
  };
}

/** Voters first. */
export function membersOf({ voters, learners }: Membership): readonly Member[] {
  return [...voters, ...learners];
}

const votersOf = new WeakMap<Membership, readonly MemberId[]>();

/** Memberships never change, and each step asks several times: the list is made once. */
export function voters(core: Core): readonly MemberId[] {
  const membership = membershipInForce(core);
  let ids = votersOf.get(membership);
  if (ids === undefined) {
    ids = membership.voters.map((member) => member.id);
    votersOf.set(membership, ids);
  }
  return ids;
}

export function isVoter(core: Core, id: MemberId): boolean {
  return membershipInForce(core).voters.some((member) => member.id === id);
}

/**
 * Whether this replica asks for votes: as a voter; or as one that the membership in force leaves out while that
 * may not be committed. Nobody else may hold that entry, and who does not hold it cannot win against one who
 * does. Its own vote does not count then (dissertation, 4.2.2 and figure 4.6).
 */
export function standsForElection(core: Core): boolean {
  const { self } = core.config;
  if (isVoter(core, self)) return true;
  const { inForce, committed } = standingOf(core);
  if (inForce.index === committed.index) return false;
  const before = membershipAt(core, inForce.index - 1).membership;
  return before.voters.some(({ id }) => id === self);
}

export function isMember(core: Core, id: MemberId): boolean {
  const { voters, learners } = membershipInForce(core);
  const isIt = (member: Member): boolean => member.id === id;
  return voters.some(isIt) || learners.some(isIt);
}

/**
 * All others that a leader replicates to: learners too, though they count for nothing (rule 41).
 */
export function peers(core: Core): readonly MemberId[] {
  return membersOf(membershipInForce(core))
    .map((member) => member.id)
    .filter((id) => id !== core.config.self);
}

export function otherVoters(core: Core): readonly MemberId[] {
  return voters(core).filter((id) => id !== core.config.self);
}

/**
 * It holds no key, so it serves nobody (docs/architecture.md, consensus 9): also where it leads on until its own
 * removal is committed.
 */
export function isWitness(core: Core): boolean {
  const { self } = core.config;
  const { voters, departed = [] } = membershipInForce(core);
  const isIt = (member: Member): boolean => member.id === self && member.witness;
  return voters.some(isIt) || departed.some(isIt);
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
 * Those that may succeed, first to last. All replicas derive the same order, so their timers do not
 * collide. Witnesses come last: a leader without a key would only hand over.
 */
function lineOfSuccession(core: Core): MemberId[] {
  const { voters: voting } = membershipInForce(core);
  const ordered = [...voting.filter((m) => !m.witness), ...voting.filter((m) => m.witness)];
  return ordered.map((member) => member.id);
}

/**
 * This replica's place in that line without those that are gone, 0 first. Each failed attempt moves
 * it by one, so that a sick first one cannot starve the rest.
 */
export function electionRank(core: Core): number {
  const standing = lineOfSuccession(core).filter(
    (id) => id === core.config.self || !isGone(core, id),
  );
  const place = standing.indexOf(core.config.self);
  return place < 0 ? standing.length : (place + core.failedAttempts) % standing.length;
}

/** Of two voters. */
export function precedes(core: Core, one: MemberId, other: MemberId): boolean {
  const line = lineOfSuccession(core);
  return line.indexOf(one) < line.indexOf(other);
}

function isGone(core: Core, id: MemberId): boolean {
  return id === core.leader || core.closedLinks.has(id);
}
