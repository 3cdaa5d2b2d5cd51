/**
 * The one door into the core: an input comes in, the state changes, outputs go out.
 *
 * Owns    the order of things within a step, and who handles which input. The only switch over
 *         inputs.
 * Never   suspends, so what a handler checked first is still true at its last line (rule 16).
 * Proof   test/core-world.test.ts.
 */
import { invariant, unreachable } from '@cometkms/invariant';
import { noteApplied } from './commit.js';
import type { Core } from './core.js';
import {
  adoptHigherTerm,
  answerPreVote,
  answerVote,
  countOwnVote,
  onElectionDeadline,
  onLink,
  onPreVoteReply,
  onVoteReply,
  recognizeLeader,
  repeatRequests,
  yieldForWantOfQuorum,
} from './election.js';
import { onAppend, refuseStaleLeader } from './follower.js';
import { assertCore } from './invariants.js';
import { isMember } from './membership.js';
import {
  countCommitted,
  heartbeat,
  onAppendReply,
  onPeerLink,
  propose,
  proposeChange,
  proposeNote,
} from './replication.js';
import { compact, onInstallSnapshot } from './snapshot.js';
import { noticeStall } from './stall.js';
import { checkQuorumDeadline, nextDeadline } from './timers.js';
import {
  continueTransfer,
  expireTransfer,
  leaveOnceRemoved,
  onTimeoutNow,
  startTransfer,
} from './transfer.js';
import type { Input, MemberId, Message, Millis, Outbox, Receipt } from './types.js';

type Append = Extract<Message, { kind: 'append' }>;
type AppendReply = Extract<Message, { kind: 'appendReply' }>;
type InstallSnapshot = Extract<Message, { kind: 'installSnapshot' }>;

/**
 * @param now  milliseconds on the monotonic clock, read freshly for this input; never goes back
 * @param out  filled during the call, carried out after it
 */
export function step(core: Core, now: Millis, input: Input, out: Outbox): void {
  invariant(now >= core.lastNow, 'the monotonic clock never goes back', {
    now,
    last: core.lastNow,
  });
  core.lastNow = now;
  noticeStall(core, now);
  handle(core, now, input, out);
  leaveOnceRemoved(core, now, out);
  rearm(core, now, input, out);
  assertCore(core);
}

function handle(core: Core, now: Millis, input: Input, out: Outbox): void {
  switch (input.kind) {
    case 'wake':
      onWake(core, now, out);
      return;
    case 'message':
      onMessage(core, now, input.from, input.message, out);
      return;
    case 'link':
      onLinkChange(core, now, input.peer, input.state, out);
      return;
    case 'durable':
      onDurable(core, now, input.through, out);
      return;
    case 'applied':
      noteApplied(core, input.through);
      return;
    case 'propose':
      propose(core, now, input.ticket, input.command, out);
      return;
    case 'change':
      proposeChange(core, now, input.ticket, input.change, out);
      return;
    case 'note':
      proposeNote(core, now, input.note, out);
      return;
    case 'transfer':
      if (core.role.kind === 'leader') startTransfer(core, core.role, now, input.to, out);
      return;
    case 'compact':
      compact(core, input.index, input.state, out);
      return;
    default:
      unreachable(input);
  }
}

function onWake(core: Core, now: Millis, out: Outbox): void {
  if (now < nextDeadline(core, now)) return;
  if (core.role.kind === 'candidate' && now < core.electionDeadline) {
    repeatRequests(core, core.role, now, out);
    return;
  }
  if (core.role.kind !== 'leader') {
    onElectionDeadline(core, now, out);
    return;
  }
  expireTransfer(core, core.role, now, out);
  if (now >= checkQuorumDeadline(core, now)) {
    yieldForWantOfQuorum(core, now, out);
    return;
  }
  if (now >= core.role.heartbeatDue) heartbeat(core, core.role, now, out);
}

/**
 * What a higher or lower term means, kind by kind (rule 8):
 *   preVote, granted preVoteReply    neither ever changes a term (rule 4)
 *   vote                             higher: adopted, unless we stand by a leader; lower: dropped
 *   append, installSnapshot          higher: adopted; lower: answered with our term
 *   the other replies                higher: adopted; lower: dropped
 *   timeoutNow                       dropped unless it is of this very term
 */
function onMessage(core: Core, now: Millis, from: MemberId, message: Message, out: Outbox): void {
  if (isMember(core, from)) core.heardAt.set(from, now);
  switch (message.kind) {
    case 'preVote':
      answerPreVote(core, now, from, message, out);
      return;
    case 'preVoteReply':
      onPreVoteReply(core, now, from, message, out);
      return;
    case 'vote':
      answerVote(core, now, from, message, out);
      return;
    case 'voteReply':
      onVoteReply(core, now, from, message, out);
      return;
    case 'append':
    case 'installSnapshot':
      onWordOfLeader(core, now, from, message, out);
      return;
    case 'appendReply':
      onAnswer(core, now, from, message, out);
      return;
    case 'timeoutNow':
      onTimeoutNow(core, now, from, message, out);
      return;
    default:
      unreachable(message);
  }
}

function onWordOfLeader(
  core: Core,
  now: Millis,
  from: MemberId,
  message: Append | InstallSnapshot,
  out: Outbox,
): void {
  if (!recognizeLeader(core, now, from, message.term, out)) {
    refuseStaleLeader(core, from, message.round, out);
  } else if (message.kind === 'append') {
    onAppend(core, from, message, out);
  } else {
    onInstallSnapshot(core, from, message, out);
  }
}

function onAnswer(core: Core, now: Millis, from: MemberId, reply: AppendReply, out: Outbox): void {
  if (reply.term > core.hard.term) adoptHigherTerm(core, now, reply.term, out);
  if (reply.term < core.hard.term || core.role.kind !== 'leader') return;
  onAppendReply(core, core.role, now, from, reply, out);
  continueTransfer(core, core.role, out);
}

function onLinkChange(
  core: Core,
  now: Millis,
  peer: MemberId,
  state: 'up' | 'closed',
  out: Outbox,
): void {
  onLink(core, now, peer, state, out);
  if (core.role.kind === 'leader') onPeerLink(core, core.role, now, peer, state, out);
}

function onDurable(core: Core, now: Millis, through: Receipt, out: Outbox): void {
  core.durability.note(through);
  countOwnVote(core, now, out);
  if (core.role.kind === 'leader') countCommitted(core, core.role, out);
}

/** The driver keeps one timer. A wake used it up, so it is set again even for the same deadline. */
function rearm(core: Core, now: Millis, input: Input, out: Outbox): void {
  const deadline = nextDeadline(core, now);
  if (deadline === core.wakeAt && input.kind !== 'wake') return;
  core.wakeAt = deadline;
  out.wakeAt(deadline);
}
