/**
 * Changing who is a member, one at a time.
 *
 * Owns    which changes a leader makes and which it refuses, what each makes of the membership, and how the
 *         leader itself goes where it is the one that was removed.
 * Never   changes two voters in one entry: majorities before and after a change then share a voter, whoever
 *         of the two counts (dissertation, 4.1, figure 4.3). A replacement is a voter that leaves and a
 *         learner that comes: its promotion is the next change.
 * Rule    rules 9, 38 to 43; dissertation, chapter 4, with Ongaro's correction of 2015: without an entry of its
 *         own term committed, a leader may not know of a change that a later one makes it share no voter with.
 * Proof   test/core-change.test.ts (each row), test/core-change-stories.test.ts, test/core-world.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import type { Core, Leading } from './core.js';
import { isVoter, membersOf, standingOf } from './membership.js';
import { majority } from './quorum.js';
import { electionTimeoutInForceMs } from './stall.js';
import type {
  ChangeRefusal,
  Index,
  Member,
  MemberId,
  Membership,
  MembershipChange,
  Millis,
} from './types.js';

export type ChangeVerdict =
  | { readonly kind: 'made'; readonly membership: Membership }
  | { readonly kind: 'refused'; readonly refusal: ChangeRefusal };

/** What becomes of the membership in force, or why nothing does. */
export function judgeChange(
  core: Core,
  leading: Leading,
  now: Millis,
  change: MembershipChange,
): ChangeVerdict {
  const { inForce, committed } = standingOf(core);
  const refusal =
    refusalOfMoment(core, leading, inForce.index, committed.index) ??
    refusalOfMembers(inForce.membership, change) ??
    (change.kind === 'promote' ? refusalOfPupil(core, leading, now, change.id) : null);
  if (refusal !== null) return { kind: 'refused', refusal };
  const membership = changed(inForce.membership, change);
  const unsound = refusalOfResult(core, leading, now, inForce.membership, membership, change);
  if (unsound !== null) return { kind: 'refused', refusal: unsound };
  invariant(
    votersApart(inForce.membership, membership) <= 1,
    'one voter at most comes or goes at a time',
    { before: inForce.membership, after: membership },
  );
  return { kind: 'made', membership };
}

/** Rule 38. */
function refusalOfMoment(
  core: Core,
  leading: Leading,
  inForce: Index,
  committed: Index,
): ChangeRefusal | null {
  if (inForce !== committed) return { kind: 'underWay', index: inForce };
  return core.commit < leading.barrierIndex ? { kind: 'termNotOpened' } : null;
}

function refusalOfMembers(before: Membership, change: MembershipChange): ChangeRefusal | null {
  if (change.kind !== 'addLearner') {
    const { id } = change;
    if (!has(membersOf(before), id)) return { kind: 'unknownMember', id };
    if (change.kind === 'promote' && !has(before.learners, id)) return { kind: 'notLearner', id };
  }
  if (change.kind !== 'addLearner' && change.kind !== 'replace') return null;
  const { id, name } = change.member;
  if (has(membersOf(before), id)) return { kind: 'idInUse', id };
  if (has(before.departed ?? [], id)) return { kind: 'idUsedBefore', id };
  // A name is the operator's: whoever takes a place may take its name too.
  const leaves = change.kind === 'replace' ? change.id : null;
  const named = membersOf(before).some((each) => each.name === name && each.id !== leaves);
  return named ? { kind: 'nameInUse', name } : null;
}

/** A voter that lacks what is committed would be one more to wait for, and none that helps. */
function refusalOfPupil(
  core: Core,
  leading: Leading,
  now: Millis,
  id: MemberId,
): ChangeRefusal | null {
  const match = leading.peers.get(id)?.match ?? 0;
  if (match < core.commit) return { kind: 'behind', id, match, commit: core.commit };
  return isLive(core, leading, now, id) ? null : { kind: 'silent', id };
}

/**
 * Rule 43: who is there must be enough, or the change is the last thing that ever commits. And where witnesses alone
 * would be enough, a key holder goes only while another one is there, or nothing would be signed: also one that does
 * not answer now, as it may only have paused. That one may still be replaced: whoever comes in its place will sign.
 */
function refusalOfResult(
  core: Core,
  leading: Leading,
  now: Millis,
  before: Membership,
  { voters }: Membership,
  change: MembershipChange,
): ChangeRefusal | null {
  const id = change.kind === 'addLearner' ? change.member.id : change.id;
  if (voters.length === 0) return { kind: 'lastVoter', id };
  if (voters.every(({ witness }) => witness)) return { kind: 'lastKeyHolder', id };
  const isThere = (each: Member): boolean => isLive(core, leading, now, each.id);
  const live = voters.filter(isThere).length;
  const needed = majority(voters.length);
  if (live < needed) return { kind: 'noQuorum', live, needed };
  const goes = before.voters.find((each) => !has(voters, each.id));
  if (goes === undefined || goes.witness) return null;
  if (voters.some((each) => !each.witness && isThere(each))) return null;
  return change.kind === 'replace' && !isThere(goes) ? null : { kind: 'noKeyHolder', id };
}

/** It answered something that was sent within the election timeout, and its link is not known as closed. */
function isLive(core: Core, leading: Leading, now: Millis, id: MemberId): boolean {
  if (id === core.config.self) return true;
  const confirmedAt = leading.peers.get(id)?.confirmedAt ?? Number.NEGATIVE_INFINITY;
  return now - confirmedAt < electionTimeoutInForceMs(core, now) && !core.closedLinks.has(id);
}

/** Nobody is on two lists, and who was on one is on one for ever. */
function changed(before: Membership, change: MembershipChange): Membership {
  const { voters, learners, departed = [] } = before;
  switch (change.kind) {
    case 'addLearner':
      return { ...before, learners: [...learners, change.member] };
    case 'promote': {
      const promoted = learners.filter(({ id }) => id === change.id);
      return {
        ...before,
        voters: [...voters, ...promoted],
        learners: learners.filter(({ id }) => id !== change.id),
      };
    }
    case 'remove':
    case 'replace': {
      const stays = ({ id }: Member): boolean => id !== change.id;
      const comes = change.kind === 'replace' ? [change.member] : [];
      return {
        voters: voters.filter(stays),
        learners: [...learners.filter(stays), ...comes],
        departed: [...departed, ...membersOf(before).filter((each) => !stays(each))],
      };
    }
  }
}

const has = (members: readonly Member[], id: MemberId): boolean =>
  members.some((member) => member.id === id);

/** Rule 42: a leader that is no voter leads until that is committed, not counting itself, and no longer. */
export function hasToLeave(core: Core): boolean {
  if (core.role.kind !== 'leader' || isVoter(core, core.config.self)) return false;
  const { inForce, committed } = standingOf(core);
  return inForce.index === committed.index;
}

/** How many come or go. Above one, a majority before and a majority after need not share a voter. */
export function votersApart(before: Membership, after: Membership): number {
  const gone = before.voters.filter(({ id }) => !has(after.voters, id)).length;
  const come = after.voters.filter(({ id }) => !has(before.voters, id)).length;
  return gone + come;
}
