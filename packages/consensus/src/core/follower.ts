/**
 * What a follower does with an append from the leader it recognises.
 *
 * Owns    whether the logs join, what is written, and what exactly is acknowledged.
 * Never   shortens its log but at a real conflict, or acknowledges what its disk does not hold.
 * Rule    rules 8, 11, 14, 18, 20, 21, 23; dissertation, 3.5.
 * Proof   test/core-follower.test.ts, test/core-stories.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import { commitThrough } from './commit.js';
import type { Core } from './core.js';
import type { Entry, Index, MemberId, Message, Outbox } from './types.js';

type Append = Extract<Message, { kind: 'append' }>;

export function onAppend(core: Core, from: MemberId, append: Append, out: Outbox): void {
  const { prevIndex, entries, round } = append;
  if (!joins(core, append)) {
    refuse(core, from, round, core.log.joinPoint(prevIndex - 1, append.prevTerm), out);
    return;
  }
  store(core, entries, out);
  // Rule 23: what this very request covered. Our log may be longer; that tail is not vouched for.
  const match = prevIndex + entries.length;
  // Rule 18: for the same reason, nothing beyond it commits, however far the leader is.
  commitThrough(core, Math.min(append.commit, match), out);
  acknowledge(core, from, round, match, out);
}

/** What is committed here is the same in every later leader's log, so it need not be compared. */
function joins(core: Core, { prevIndex, prevTerm }: Append): boolean {
  if (prevIndex > core.commit) return core.log.termAt(prevIndex) === prevTerm;
  const own = core.log.termAt(prevIndex);
  invariant(own === null || own === prevTerm, 'a leader’s log holds all that is committed', {
    prevIndex,
    prevTerm,
    own,
  });
  return true;
}

/** Takes what is missing. Truncation and what replaces it are one batch (rule 14). */
function store(core: Core, entries: readonly Entry[], out: Outbox): void {
  const first = core.log.firstMissing(entries);
  // Rule 20: late, repeated or empty, it shows no conflict, so the suffix stays.
  if (first === null) return;
  const missing = entries.filter((entry) => entry.index >= first);
  if (first > core.log.lastIndex) {
    core.log.append(missing);
    core.durability.persist({ entries: missing }, out);
    return;
  }
  // Rule 21: a divergence below the commit index must not pass in silence.
  invariant(first > core.commit, 'nothing committed is ever truncated', {
    first,
    commit: core.commit,
  });
  core.log.truncateFrom(first);
  core.log.append(missing);
  core.durability.persist({ truncateFrom: first, entries: missing }, out);
}

/**
 * Leaves once the log is durable up to `match`, also where this request wrote nothing (rule 11).
 */
export function acknowledge(
  core: Core,
  to: MemberId,
  round: number,
  match: Index,
  out: Outbox,
): void {
  const { term } = core.hard;
  out.promise(
    to,
    { kind: 'appendReply', term, round, match, refused: false, hintIndex: 0, hintTerm: 0 },
    core.durability.receiptForMatch(match),
  );
}

/**
 * To one who speaks as the leader of a term that is over: our term, so that it steps down (rule 8).
 */
export function refuseStaleLeader(core: Core, to: MemberId, round: number, out: Outbox): void {
  refuse(core, to, round, 0, out);
}

/** Says where the logs could join at best. Nothing in it is a promise about entries (rule 22). */
function refuse(core: Core, to: MemberId, round: number, hintIndex: Index, out: Outbox): void {
  const { term } = core.hard;
  const hintTerm = core.log.termAt(hintIndex) ?? 0;
  out.promise(
    to,
    { kind: 'appendReply', term, round, match: 0, refused: true, hintIndex, hintTerm },
    core.durability.termReceipt,
  );
}
