/**
 * Handing leadership on, on purpose: a planned stop, or a leader that cannot serve.
 *
 * Owns    whom it goes to, when that one is told, and when the attempt is given up.
 * Never   gives up leadership itself, but where this replica was removed: the successor's higher term does
 *         that, and of a removed one nobody asks for its vote, so it would not hear of that term.
 * Rule    rules 33, 34, 42; dissertation, 3.10, 4.2.2.
 * Proof   test/core-transfer.test.ts.
 */
import { hasToLeave } from './change.js';
import type { Core, Leading } from './core.js';
import { campaign, yieldAsRemoved } from './election.js';
import { isVoter, membershipInForce } from './membership.js';
import { electionTimeoutInForceMs } from './stall.js';
import type { MemberId, Message, Millis, Outbox } from './types.js';

type TimeoutNow = Extract<Message, { kind: 'timeoutNow' }>;

/** Ignored where there is nobody to hand it to, or where that is under way. */
export function startTransfer(
  core: Core,
  leading: Leading,
  now: Millis,
  to: MemberId | null,
  out: Outbox,
): void {
  const target = to ?? bestMatched(core, leading);
  if (target === null || target === core.config.self || !isVoter(core, target)) return;
  if (leading.transfer?.to === target) return;
  const deadline = now + electionTimeoutInForceMs(core, now);
  leading.transfer = { to: target, deadline, sent: false };
  continueTransfer(core, leading, out);
}

/** To be asked when a peer acknowledged something: the target may have caught up. */
export function continueTransfer(core: Core, leading: Leading, out: Outbox): void {
  const { transfer } = leading;
  if (transfer === null || transfer.sent) return;
  const { lastIndex } = core.log;
  if (leading.peers.get(transfer.to)?.match !== lastIndex) return;
  transfer.sent = true;
  // Bound to (term, lastIndex): arriving late, it is known as such (rule 33).
  const { term } = core.hard;
  out.promise(transfer.to, { kind: 'timeoutNow', term, lastIndex }, core.durability.termReceipt);
}

/** Rule 34: after one election timeout we lead on, and take proposals again. */
export function expireTransfer(core: Core, leading: Leading, now: Millis, out: Outbox): void {
  if (leading.transfer === null || now < leading.transfer.deadline || hasToLeave(core)) return;
  leading.transfer = null;
  const { leader, hard } = core;
  out.changed({ role: 'leader', term: hard.term, leader, reason: 'transfer_aborted' });
}

/**
 * To be asked at the end of each step: the removal may just have committed. The best matched voter is told to
 * take over; once it was, or where there is none, or none that caught up in time, the others elect one.
 */
export function leaveOnceRemoved(core: Core, now: Millis, out: Outbox): void {
  const { role } = core;
  if (role.kind !== 'leader' || !hasToLeave(core)) return;
  const expired = role.transfer !== null && now >= role.transfer.deadline;
  if (role.transfer === null) startTransfer(core, role, now, null, out);
  if (role.transfer === null || role.transfer.sent || expired) yieldAsRemoved(core, out);
}

/** Our leader asks us to take over: without a pre-vote, and though all still hear it. */
export function onTimeoutNow(
  core: Core,
  now: Millis,
  from: MemberId,
  { term, lastIndex }: TimeoutNow,
  out: Outbox,
): void {
  if (core.role.kind !== 'follower' || !isVoter(core, core.config.self)) return;
  // Rule 33: from another term, another leader, or before a longer log: too late.
  if (term !== core.hard.term || from !== core.leader || lastIndex !== core.log.lastIndex) return;
  campaign(core, now, true, 'transfer', out);
}

/** Whoever needs least; a witness only where there is no other, since it would hand over again. */
function bestMatched(core: Core, leading: Leading): MemberId | null {
  let best: { readonly id: MemberId; readonly match: number; readonly witness: boolean } | null =
    null;
  for (const { id, witness } of membershipInForce(core).voters) {
    const match = leading.peers.get(id)?.match;
    if (match === undefined || core.closedLinks.has(id)) continue;
    const better = best === null || (witness === best.witness ? match > best.match : best.witness);
    if (better) best = { id, match, witness };
  }
  return best?.id ?? null;
}
