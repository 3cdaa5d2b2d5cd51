/**
 * What a leader does: append, send, count, commit.
 *
 * Owns    the entries of its own term, what each peer is sent, and the commit rule.
 * Never   changes role or term: an answer that shows a higher term was dealt with before (step.ts).
 * Rule    rules 10, 12, 17, 19, 22 to 27, 39; dissertation, 3.5, 3.6, 4.1, 10.2.1.
 * Proof   test/core-replication.test.ts, test/core-stories.test.ts (figure 8).
 */
import { invariant } from '@cometkms/invariant';
import { judgeChange } from './change.js';
import { commitThrough } from './commit.js';
import type { Core, Leading } from './core.js';
import { noteAnswer, Rounds } from './lease.js';
import { entryBytes } from './log.js';
import { isMember, peers, reachedByQuorum } from './membership.js';
import { Progress } from './progress.js';
import { Proposals } from './proposals.js';
import { rulesAt } from './rules.js';
import type {
  Entry,
  Index,
  MemberId,
  MembershipChange,
  Message,
  Millis,
  Note,
  Outbox,
  Ticket,
} from './types.js';

type AppendReply = Extract<Message, { kind: 'appendReply' }>;

/**
 * A candidate won. Opens the term with an empty entry (rule 25), which announces the leader as
 * well.
 */
export function openTerm(core: Core, now: Millis, out: Outbox): Leading {
  invariant(core.durability.termIsDurable, 'a leader’s term is durable', { term: core.hard.term });
  const barrierIndex = core.log.lastIndex + 1;
  const leading: Leading = {
    kind: 'leader',
    peers: new Map(peers(core).map((id) => [id, new Progress(barrierIndex, now)])),
    barrierIndex,
    proposals: new Proposals(core.hard.term),
    rounds: new Rounds(),
    uncommittedBytes: core.log.bytesBetween(core.commit, core.log.lastIndex),
    heartbeatDue: now + core.config.heartbeatIntervalMs,
    graceUntil: Number.NEGATIVE_INFINITY,
    transfer: null,
  };
  const empty = { kind: 'empty', index: barrierIndex, term: core.hard.term } as const;
  appendOwn(core, leading, now, empty, out);
  return leading;
}

/** Our own write runs beside the sending; it counts once it is durable, not before (rule 12). */
function appendOwn(core: Core, leading: Leading, now: Millis, entry: Entry, out: Outbox): void {
  core.log.append([entry]);
  leading.uncommittedBytes += entryBytes(entry);
  core.durability.persist({ entries: [entry] }, out);
  for (const to of leading.peers.keys()) feed(core, leading, now, to, out);
}

export function propose(
  core: Core,
  now: Millis,
  ticket: Ticket,
  command: Uint8Array,
  out: Outbox,
): void {
  const { role: leading, log, hard } = core;
  if (leading.kind !== 'leader') {
    out.resolve(ticket, { kind: 'notLeader', leader: core.leader });
    return;
  }
  // Rule 34: whom we are about to make leader must not find its log outrun.
  if (leading.transfer !== null) {
    out.resolve(ticket, { kind: 'notLeader', leader: null });
    return;
  }
  const index = log.lastIndex + 1;
  const entry = { kind: 'command', index, term: hard.term, command } as const;
  // Rule 26. With nothing before it, even a large command goes: else it never could.
  const tailBytes = leading.uncommittedBytes + entryBytes(entry);
  if (core.commit < log.lastIndex && tailBytes > core.config.maxUncommittedBytes) {
    out.resolve(ticket, { kind: 'notLeader', leader: core.leader });
    return;
  }
  leading.proposals.add(index, ticket);
  appendOwn(core, leading, now, entry, out);
}

export function proposeChange(
  core: Core,
  now: Millis,
  ticket: Ticket,
  change: MembershipChange,
  out: Outbox,
): void {
  const { role: leading, log, hard } = core;
  if (leading.kind !== 'leader' || leading.transfer !== null) {
    const leader = leading.kind === 'leader' ? null : core.leader;
    out.resolve(ticket, { kind: 'notLeader', leader });
    return;
  }
  const verdict = judgeChange(core, leading, now, change);
  if (verdict.kind === 'refused') {
    out.resolve(ticket, verdict);
    return;
  }
  const { membership } = verdict;
  const index = log.lastIndex + 1;
  leading.proposals.add(index, ticket);
  // Who is removed is sent this entry with all others: so it is told, and then no more (rule 42).
  appendOwn(core, leading, now, { kind: 'membership', index, term: hard.term, membership }, out);
  followMembership(core, leading, now, out);
}

/** Nobody waits for it, so where it may not be written now it is simply not. */
export function proposeNote(core: Core, now: Millis, note: Note, out: Outbox): void {
  const { role: leading, log, hard } = core;
  if (leading.kind !== 'leader' || leading.transfer !== null) return;
  // Committed or not: along a log versions only rise.
  if (note.kind === 'rules' && note.version <= rulesAt(core, log.lastIndex)) return;
  const entry = { ...note, index: log.lastIndex + 1, term: hard.term };
  if (leading.uncommittedBytes + entryBytes(entry) > core.config.maxUncommittedBytes) return;
  appendOwn(core, leading, now, entry, out);
}

/** In force from here on (rule 39): whoever is new is fed, who left is not. */
function followMembership(core: Core, leading: Leading, now: Millis, out: Outbox): void {
  for (const id of leading.peers.keys()) if (!isMember(core, id)) leading.peers.delete(id);
  for (const id of peers(core)) {
    if (leading.peers.has(id)) continue;
    leading.peers.set(id, new Progress(core.log.lastIndex + 1, now));
    feed(core, leading, now, id, out);
  }
}

// ----------------------------------------------------------------------------------- sending

/** Sends `to` what it lacks, as far as its mode and window allow. */
export function feed(core: Core, leading: Leading, now: Millis, to: MemberId, out: Outbox): void {
  const peer = progressOf(leading, to);
  const { maxInflightAppends, maxAppendBytes } = core.config;
  while (peer.mayFeed(maxInflightAppends)) {
    if (peer.next <= core.log.prefixIndex) {
      offerSnapshot(core, leading, now, to, out);
      return;
    }
    if (peer.next > core.log.lastIndex && peer.mode === 'pipeline') return;
    const entries = core.log.slice(peer.next, maxAppendBytes);
    const previous = peer.next - 1;
    sendAppend(core, leading, now, to, previous, entries, out);
    peer.fed(previous + entries.length, now);
  }
}

function sendAppend(
  core: Core,
  leading: Leading,
  now: Millis,
  to: MemberId,
  prevIndex: Index,
  entries: readonly Entry[],
  out: Outbox,
): void {
  const peer = progressOf(leading, to);
  const prevTerm = core.log.termAt(prevIndex);
  invariant(prevTerm !== null, 'an append joins onto an entry that we know', { to, prevIndex });
  // Rule 19: the peer is told of no commit beyond what it acknowledged; what it has there may
  // differ.
  const commit = Math.min(core.commit, peer.match);
  const round = leading.rounds.open(now);
  const { term } = core.hard;
  // Rests on our term alone: our own copy of the entries may still be under way (rule 10, 12).
  out.promise(
    to,
    { kind: 'append', term, prevIndex, prevTerm, entries, commit, round },
    core.durability.termReceipt,
  );
}

/** What the peer needs is compacted. The whole state is one small record (rule 44). */
function offerSnapshot(core: Core, leading: Leading, now: Millis, to: MemberId, out: Outbox): void {
  const round = leading.rounds.open(now);
  const { snapshot } = core;
  out.promise(
    to,
    { kind: 'installSnapshot', term: core.hard.term, snapshot, round },
    core.durability.termReceipt,
  );
  progressOf(leading, to).snapshotSent(snapshot.index, now);
}

export function heartbeat(core: Core, leading: Leading, now: Millis, out: Outbox): void {
  leading.heartbeatDue = now + core.config.heartbeatIntervalMs;
  for (const to of leading.peers.keys()) beat(core, leading, now, to, out);
}

function beat(core: Core, leading: Leading, now: Millis, to: MemberId, out: Outbox): void {
  const peer = progressOf(leading, to);
  const { prefixIndex } = core.log;
  const silentMs = now - peer.entriesSentAt;
  // All that it still lacks after what was sent is compacted.
  if (peer.mode !== 'snapshot' && peer.next <= prefixIndex) {
    offerSnapshot(core, leading, now, to, out);
    return;
  }
  if (peer.mode === 'probe') {
    sendAppend(core, leading, now, to, peer.next - 1, [], out);
    return;
  }
  // What the peer acknowledged is on its disk, so its answer to this waits for no write of its own.
  // Refused, where it has not got that far yet, it is an answer too.
  sendAppend(core, leading, now, to, Math.max(peer.match, prefixIndex), [], out);
  if (peer.mode === 'snapshot' && silentMs >= core.config.electionTimeoutMs) {
    offerSnapshot(core, leading, now, to, out);
    return;
  }
  // Unanswered for a while: lost, or still being written? Asking costs one empty message; a peer
  // that lacks what we sent refuses, and the logs are joined anew.
  if (peer.hasUnanswered && silentMs >= core.config.heartbeatIntervalMs) {
    sendAppend(core, leading, now, to, peer.next - 1, [], out);
    peer.entriesSentAt = now;
  }
}

// ---------------------------------------------------------------------------------- counting

export function onAppendReply(
  core: Core,
  leading: Leading,
  now: Millis,
  from: MemberId,
  reply: AppendReply,
  out: Outbox,
): void {
  const peer = leading.peers.get(from);
  if (peer === undefined) return;
  noteAnswer(leading, peer, reply.round, now);
  if (reply.refused) {
    const join = core.log.joinPoint(reply.hintIndex, reply.hintTerm);
    peer.refused(reply.round, join, leading.rounds.next);
  } else {
    invariant(reply.match <= core.log.lastIndex, 'a peer acknowledges only what it was sent', {
      from,
      match: reply.match,
      lastIndex: core.log.lastIndex,
    });
    if (peer.acknowledged(reply.match)) countCommitted(core, leading, out);
  }
  feed(core, leading, now, from, out);
}

/**
 * To be asked when a peer acknowledged something, or a write of our own became durable. Sends nothing: peers
 * learn of a commit with the next append or beat (paper, 5.3). Messages for that alone, and their answers, would
 * be half of all.
 */
export function countCommitted(core: Core, leading: Leading, out: Outbox): void {
  const through = reachedByQuorum(core, (id) =>
    id === core.config.self
      ? core.durability.durableIndex // rule 12: not `lastIndex`
      : (leading.peers.get(id)?.match ?? 0),
  );
  // Rule 17: an older term's entry on a majority may still be replaced (paper, figure 8). It
  // commits with the first entry of this term that does.
  if (through <= core.commit || core.log.termAt(through) !== core.hard.term) return;
  commitThrough(core, through, out);
}

/**
 * A peer's connection ended: what was under way to it is lost. Or began: it need not wait for a
 * beat.
 */
export function onPeerLink(
  core: Core,
  leading: Leading,
  now: Millis,
  id: MemberId,
  state: 'up' | 'closed',
  out: Outbox,
): void {
  const peer = leading.peers.get(id);
  if (peer === undefined) return;
  peer.restart(leading.rounds.next);
  if (state === 'up') feed(core, leading, now, id, out);
}

function progressOf(leading: Leading, id: MemberId): Progress {
  const peer = leading.peers.get(id);
  invariant(peer !== undefined, 'a leader knows its peers', { id });
  return peer;
}
