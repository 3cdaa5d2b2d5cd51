/**
 * What these worlds forget of a replica, so that there are finitely many states.
 *
 * Owns    the list, and for each thing why forgetting it loses no behaviour:
 *           clocks   stand at 0. What a clock decides is a choice instead: a timer fires at any time, a lease and a
 *                    stickiness are believed or not, a quorum is thought silent or not. Whatever the clocks of a real
 *                    run make of it is one of the choices.
 *           rounds   all are 0: a late refusal is always taken for a fresh one. A round that is known as late makes a
 *                    leader ignore a refusal, which is the message lost.
 *           receipts count from what is durable: they are only compared with each other.
 *           window   the appends in flight to a peer, but for the last: their number is far below the window.
 *           chance   the jitter of timers.
 * Never   forgets a term, a vote, an entry, a match, a receipt's order: what a promise may rest on.
 */
import type { Core } from '@cometkms/consensus/core';

const never = Number.NEGATIVE_INFINITY;
const endless = Number.POSITIVE_INFINITY;

/** The core with its private fields opened, as far as they are named here. */
interface Opened {
  startedAt: number;
  random: { _state: number };
  stalls: unknown;
  durability: {
    _lastReceipt: number;
    _durableReceipt: number;
    _termReceipt: number;
    _underWay: { readonly receipt: number; readonly lastIndex: number }[];
  };
}

interface OpenedLeading {
  rounds: { _next: number; _sentAt: Map<number, number> };
  heartbeatDue: number;
  graceUntil: number;
  transfer: { deadline: number } | null;
  peers: Map<string, OpenedProgress>;
}

interface OpenedProgress {
  _inflight: number[];
  _refusalsFromRound: number;
  entriesSentAt: number;
  answeredAt: number;
  confirmedAt: number;
  roundTripMs: number | null;
}

/** In place. @param durable  how many of the receipts are on disk: the rest counts from 1 again */
export function forget(core: Core, durable: number): void {
  const opened = core as unknown as Opened;
  opened.startedAt = never;
  opened.random._state = 0;
  opened.stalls = { count: 0, lastMs: 0, longestMs: 0, lastAt: never, raiseMs: 0 };
  core.leaderHeardAt = never;
  core.electionDeadline = endless;
  core.hintDeadline = endless;
  core.failedAttempts = 0;
  core.heardAt.clear();
  core.wakeAt = endless;
  core.lastNow = 0;
  countFrom(opened.durability, durable);
  if (core.role.kind === 'candidate') core.role.repeatDue = endless;
  if (core.role.kind === 'leader') forgetLeading(core.role as unknown as OpenedLeading);
}

function countFrom(durability: Opened['durability'], durable: number): void {
  durability._lastReceipt -= durable;
  durability._durableReceipt = 0;
  durability._termReceipt = Math.max(0, durability._termReceipt - durable);
  durability._underWay = durability._underWay.map(({ receipt, lastIndex }) => ({
    receipt: receipt - durable,
    lastIndex,
  }));
}

function forgetLeading(leading: OpenedLeading): void {
  leading.rounds._next = 1;
  leading.rounds._sentAt.clear();
  leading.heartbeatDue = endless;
  leading.graceUntil = never;
  if (leading.transfer !== null) leading.transfer.deadline = endless;
  for (const peer of leading.peers.values()) {
    peer._inflight = peer._inflight.slice(-1);
    peer._refusalsFromRound = 0;
    peer.entriesSentAt = never;
    peer.answeredAt = never;
    peer.confirmedAt = never;
    peer.roundTripMs = null;
  }
}

/** Which deadline passes, or what is believed, in the next step: the choices that stand for a clock. */
export type Belief =
  | 'election'
  | 'repeat'
  | 'heartbeat'
  | 'quorumLost'
  | 'transferExpired'
  | 'standsBy'
  | 'nothing';

/** In place, before the step at 0. */
export function believe(core: Core, belief: Belief): void {
  if (belief === 'election') core.electionDeadline = 0;
  if (belief === 'standsBy') (core as unknown as Opened).startedAt = 0;
  const { role } = core;
  if (role.kind === 'candidate' && belief === 'repeat') role.repeatDue = 0;
  if (role.kind !== 'leader') return;
  if (belief === 'heartbeat') role.heartbeatDue = 0;
  if (belief === 'transferExpired' && role.transfer !== null) {
    (role.transfer as { deadline: number }).deadline = 0;
  }
  // A silent quorum deposes a leader, and lets it answer those who ask for votes.
  if (belief === 'quorumLost' || belief === 'nothing') return;
  for (const peer of role.peers.values()) peer.answeredAt = 0;
}
