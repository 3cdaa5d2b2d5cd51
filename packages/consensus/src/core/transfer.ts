/**
 * Handing leadership on, on purpose: a planned stop, or a leader that cannot serve.
 *
 * Owns    whom it goes to, when that one is told, and when the attempt is given up.
 * Never   gives up leadership itself: the successor's higher term does that.
 * Rule    rules 33, 34; dissertation, 3.10.
 * Proof   test/core-transfer.test.ts.
 */
import type { Core, Leading } from './core.js';
import { campaign } from './election.js';
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
  if (leading.transfer === null || now < leading.transfer.deadline) return;
  leading.transfer = null;
  const { leader, hard } = core;
  out.changed({ role: 'leader', term: hard.term, leader, reason: 'transfer_aborted' });
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
