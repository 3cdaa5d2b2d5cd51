/**
 * Who leads: from follower over pre-candidate and candidate to leader, and back.
 *
 * Owns    the role, the term and the vote of this replica, and its answers to those who ask for
 *         votes.
 * Never   counts a vote that is not durable, or changes term or vote for a mere question.
 * Rule    rules 1 to 8, 10, 28 to 33; dissertation, 3.4, 4.2.3, 9.6.
 * Proof   test/core-election.test.ts (outputs, call by call), test/core-world.test.ts (two
 *         leaders).
 */
import { invariant } from '@cometkms/invariant';
import type { Campaigning, Core, Role } from './core.js';
import { quorumAnsweredAt } from './lease.js';
import { isVoter, otherVoters, precedes, standsForElection, voters } from './membership.js';
import { Tally } from './quorum.js';
import { openTerm } from './replication.js';
import { electionDelayMs, hintDelayMs, retryDelayMs } from './timers.js';
import type { MemberId, Message, Millis, Outbox, RoleChangeReason, Term } from './types.js';

type PreVote = Extract<Message, { kind: 'preVote' }>;
type PreVoteReply = Extract<Message, { kind: 'preVoteReply' }>;
type Vote = Extract<Message, { kind: 'vote' }>;
type VoteReply = Extract<Message, { kind: 'voteReply' }>;

// ------------------------------------------------------------------------- changing the role

/** Every change of role goes through here, so that none leaves a ticket behind (rule 29). */
function enter(
  core: Core,
  role: Role,
  leader: MemberId | null,
  reason: RoleChangeReason,
  out: Outbox,
): void {
  if (core.role.kind === 'leader') core.role.proposals.abandon(out);
  core.role = role;
  core.leader = leader;
  out.changed({ role: role.kind, term: core.hard.term, leader, reason });
}

/**
 * One record, term and vote together (rule 2). Whatever leaves in this term waits for it (rule 10).
 */
function adoptTerm(core: Core, term: Term, votedFor: MemberId | null, out: Outbox): void {
  invariant(term > core.hard.term, 'a term is adopted once', { term, own: core.hard.term });
  core.hard = { term, votedFor };
  core.durability.persist({ hard: core.hard }, out);
}

/** Seeing a higher term is not voting in it (rule 7): the vote there stays open. */
export function adoptHigherTerm(core: Core, now: Millis, term: Term, out: Outbox): void {
  adoptTerm(core, term, null, out);
  // The timer of one who followed runs on: a stranger's term is no sign of a leader (dissertation,
  // 3.4).
  if (core.role.kind === 'leader') core.electionDeadline = now + electionDelayMs(core, now);
  enter(core, { kind: 'follower' }, null, 'higher_term', out);
}

/**
 * Back to follower within the same term: the vote stays given (rule 3), old tallies are gone (rule
 * 30).
 */
function returnToFollower(core: Core, reason: RoleChangeReason, out: Outbox): void {
  enter(core, { kind: 'follower' }, null, reason, out);
}

/**
 * `from` speaks as the leader of `term`. False: that term is over, and its leader is to be told
 * (rule 8). Otherwise this replica follows it from here on, and its timer starts anew.
 */
export function recognizeLeader(
  core: Core,
  now: Millis,
  from: MemberId,
  term: Term,
  out: Outbox,
): boolean {
  if (term < core.hard.term) return false;
  if (term > core.hard.term) {
    adoptTerm(core, term, null, out);
    enter(core, { kind: 'follower' }, from, 'leader_found', out);
  } else {
    invariant(
      core.role.kind !== 'leader' && (core.leader ?? from) === from,
      'one leader per term',
      {
        term,
        leader: core.leader,
        from,
      },
    );
    if (core.leader === null) enter(core, { kind: 'follower' }, from, 'leader_found', out);
  }
  core.leaderHeardAt = now;
  core.failedAttempts = 0;
  core.hintDeadline = Number.POSITIVE_INFINITY;
  core.electionDeadline = now + electionDelayMs(core, now);
  return true;
}

/** Check-quorum (rule 28): a leader that no quorum answers makes room. */
export function yieldForWantOfQuorum(core: Core, now: Millis, out: Outbox): void {
  returnToFollower(core, 'no_quorum', out);
  core.electionDeadline = now + electionDelayMs(core, now);
}

/** Rule 42: its own removal is committed. It follows, asks for no votes, and nobody asks it. */
export function yieldAsRemoved(core: Core, out: Outbox): void {
  returnToFollower(core, 'removed', out);
}

// ------------------------------------------------------------------------------- campaigning

/** The timer, or the hint of a closed link, ran out. */
export function onElectionDeadline(core: Core, now: Millis, out: Outbox): void {
  const hinted = core.hintDeadline <= now && core.hintDeadline <= core.electionDeadline;
  // Whoever was campaigning already has failed by now; its next place in line is another.
  if (core.role.kind !== 'follower') core.failedAttempts += 1;
  askAhead(core, now, hinted ? 'peer_closed' : 'timeout', out);
}

/** Pre-vote: could I win? Neither term nor vote change for the question (rule 4). */
function askAhead(core: Core, now: Millis, reason: RoleChangeReason, out: Outbox): void {
  invariant(standsForElection(core), 'only voters campaign', { self: core.config.self });
  const tally = new Tally();
  tally.record(core.config.self, true);
  core.hintDeadline = Number.POSITIVE_INFINITY;
  core.electionDeadline = now + retryDelayMs(core, now);
  enter(core, { kind: 'preCandidate', tally }, null, reason, out);
  if (tally.outcome(voters(core)) === 'won') {
    campaign(core, now, false, reason, out);
    return;
  }
  const { lastIndex, lastTerm } = core.log;
  for (const to of otherVoters(core)) {
    out.send(to, { kind: 'preVote', term: core.hard.term + 1, lastIndex, lastTerm });
  }
}

/** @param transfer  the leader itself asked for this, so voters need not stand by it */
export function campaign(
  core: Core,
  now: Millis,
  transfer: boolean,
  reason: RoleChangeReason,
  out: Outbox,
): void {
  adoptTerm(core, core.hard.term + 1, core.config.self, out);
  core.hintDeadline = Number.POSITIVE_INFINITY;
  core.electionDeadline = now + electionDelayMs(core, now);
  // Our own vote is not in the tally yet: it counts from the moment it is durable (rule 1).
  const repeatDue = now + core.config.heartbeatIntervalMs;
  const role = { kind: 'candidate', tally: new Tally(), transfer, repeatDue } as const;
  enter(core, role, null, reason, out);
  askForVotes(core, role, out);
}

function askForVotes(core: Core, { tally, transfer }: Campaigning, out: Outbox): void {
  const { lastIndex, lastTerm } = core.log;
  for (const to of otherVoters(core)) {
    if (tally.has(to)) continue;
    out.promise(
      to,
      { kind: 'vote', term: core.hard.term, lastIndex, lastTerm, transfer },
      core.durability.termReceipt,
    );
  }
}

/** A request may be lost, or dropped by one who stood by a leader then and does no longer. */
export function repeatRequests(core: Core, role: Campaigning, now: Millis, out: Outbox): void {
  role.repeatDue = now + core.config.heartbeatIntervalMs;
  // The first ones still wait for our own write: more of them would only queue behind it.
  if (core.durability.termIsDurable) askForVotes(core, role, out);
}

/** To be asked when something became durable. */
export function countOwnVote(core: Core, now: Millis, out: Outbox): void {
  if (core.role.kind !== 'candidate' || !core.durability.termIsDurable) return;
  core.role.tally.record(core.config.self, true);
  decide(core, now, out);
}

export function onPreVoteReply(
  core: Core,
  now: Millis,
  from: MemberId,
  reply: PreVoteReply,
  out: Outbox,
): void {
  // A grant carries the term that we asked for; only a refusal shows where the voter itself is.
  if (!reply.granted && reply.term > core.hard.term) {
    adoptHigherTerm(core, now, reply.term, out);
    return;
  }
  if (core.role.kind !== 'preCandidate' || !isVoter(core, from)) return;
  if (reply.granted && reply.term !== core.hard.term + 1) return;
  core.role.tally.record(from, reply.granted);
  decide(core, now, out);
}

export function onVoteReply(
  core: Core,
  now: Millis,
  from: MemberId,
  reply: VoteReply,
  out: Outbox,
): void {
  if (reply.term > core.hard.term) {
    adoptHigherTerm(core, now, reply.term, out);
    return;
  }
  // Rule 6: only for this term, only from voters; the tally sees to "only once".
  if (reply.term !== core.hard.term || core.role.kind !== 'candidate') return;
  if (!isVoter(core, from)) return;
  core.role.tally.record(from, reply.granted);
  decide(core, now, out);
}

/** This attempt is over; the next comes soon. */
function giveUp(core: Core, now: Millis, out: Outbox): void {
  core.failedAttempts += 1;
  returnToFollower(core, 'lost', out);
  core.electionDeadline = now + retryDelayMs(core, now);
}

function decide(core: Core, now: Millis, out: Outbox): void {
  if (core.role.kind !== 'preCandidate' && core.role.kind !== 'candidate') return;
  const { kind, tally } = core.role;
  const outcome = tally.outcome(voters(core));
  if (outcome === 'lost') giveUp(core, now, out);
  if (outcome !== 'won') return;
  if (kind === 'preCandidate') {
    campaign(core, now, false, 'pre_vote_won', out);
    return;
  }
  // Others may have made us leader while our own record is under way; nothing may leave before
  // (rule 10).
  if (!tally.granted(core.config.self)) return;
  core.failedAttempts = 0;
  enter(core, openTerm(core, now, out), core.config.self, 'won', out);
}

// --------------------------------------------------------------------------- answering others

/**
 * Whether this replica stands by a leader, so that it grants nobody else anything (rule 28). Lifted
 * by its own evidence alone: its timer, or the end of its own link to that leader.
 */
function standsByLeader(core: Core, now: Millis): boolean {
  const { electionTimeoutMs } = core.config;
  if (core.role.kind === 'leader') {
    return now - quorumAnsweredAt(core, core.role) < electionTimeoutMs;
  }
  // Before its restart it may have confirmed a lease that still runs; it no longer knows (rule 36).
  if (now - core.startedAt < electionTimeoutMs) return true;
  if (core.leader === null || core.closedLinks.has(core.leader)) return false;
  return now - core.leaderHeardAt < electionTimeoutMs;
}

/** Changes neither term nor vote (rule 4), so the answer binds nobody and may leave at once. */
export function answerPreVote(
  core: Core,
  now: Millis,
  from: MemberId,
  asked: PreVote,
  out: Outbox,
): void {
  const granted =
    asked.term > core.hard.term &&
    core.log.isCoveredBy(asked.lastIndex, asked.lastTerm) &&
    !standsByLeader(core, now) &&
    !prevails(core, from, asked);
  // Not for one that may have been removed: its questions disturb nobody (rule 42).
  if (granted && isVoter(core, from)) makeWay(core, now, out);
  // Refused, it learns our term, and can catch up (rule 8). That our own record of this term may
  // still be under way does no harm: who adopts a term from an answer is promised nothing by it.
  const term = granted ? asked.term : core.hard.term;
  out.send(from, { kind: 'preVoteReply', term, granted });
}

/**
 * Two that ask at once and grant each other's question would both campaign, and split the votes. So
 * one of the two prevails, the same in both their eyes: the one with the longer log, else the first in
 * line. Only with its first attempt, and not against one that has refused it: what cannot win must not
 * hold up another.
 */
function prevails(core: Core, asker: MemberId, asked: PreVote): boolean {
  if (core.role.kind !== 'preCandidate' || core.failedAttempts > 0) return false;
  const { tally } = core.role;
  if (tally.has(asker) && !tally.granted(asker)) return false;
  const { lastIndex, lastTerm } = core.log;
  const alike = asked.lastIndex === lastIndex && asked.lastTerm === lastTerm;
  return alike && precedes(core, core.config.self, asker);
}

/**
 * Whoever was granted the question is about to campaign: this replica's own first attempt would only
 * split the votes. It is put off, never by more than the timer that runs anyway.
 */
function makeWay(core: Core, now: Millis, out: Outbox): void {
  if (core.role.kind === 'preCandidate' && core.failedAttempts === 0) giveUp(core, now, out);
  if (core.hintDeadline < Number.POSITIVE_INFINITY) {
    core.hintDeadline = now + core.config.heartbeatIntervalMs;
  }
}

export function answerVote(
  core: Core,
  now: Millis,
  from: MemberId,
  asked: Vote,
  out: Outbox,
): void {
  if (asked.term < core.hard.term) return;
  const newer = asked.term > core.hard.term;
  // Not even the term is adopted: that would depose the leader by which we stand.
  if (newer && !asked.transfer && standsByLeader(core, now)) return;
  const votedFor = newer ? null : core.hard.votedFor;
  const free = votedFor === null || votedFor === from;
  const granted = free && core.log.isCoveredBy(asked.lastIndex, asked.lastTerm);
  if (newer) {
    const wasLeader = core.role.kind === 'leader';
    adoptTerm(core, asked.term, granted ? from : null, out);
    enter(core, { kind: 'follower' }, null, 'higher_term', out);
    if (wasLeader) core.electionDeadline = now + electionDelayMs(core, now);
  } else if (granted && votedFor === null) {
    core.hard = { term: asked.term, votedFor: from };
    core.durability.persist({ hard: core.hard }, out);
  }
  if (granted) {
    core.hintDeadline = Number.POSITIVE_INFINITY;
    core.electionDeadline = now + electionDelayMs(core, now);
  }
  // A repeated request waits for the same write as the first (rule 1): it may still be under way.
  const reply = { kind: 'voteReply', term: core.hard.term, granted } as const;
  out.promise(from, reply, core.durability.termReceipt);
}

// ------------------------------------------------------------------------------------- links

/**
 * A connection ended, or began. Of the leader's, the end is a hint: ask ahead soon, in order of
 * rank.
 * Never more than a hint: the question changes nothing, and voters that still hear the leader
 *       refuse.
 */
export function onLink(
  core: Core,
  now: Millis,
  peer: MemberId,
  state: 'up' | 'closed',
  out: Outbox,
): void {
  if (state === 'up') {
    core.closedLinks.delete(peer);
    if (peer === core.leader) core.hintDeadline = Number.POSITIVE_INFINITY;
    return;
  }
  core.closedLinks.add(peer);
  if (core.role.kind !== 'follower' || peer !== core.leader) return;
  if (!standsForElection(core)) return;
  core.hintDeadline = now + hintDelayMs(core);
  // The first in rank does not even wait for a timer to fire.
  if (core.hintDeadline <= now) onElectionDeadline(core, now, out);
}
