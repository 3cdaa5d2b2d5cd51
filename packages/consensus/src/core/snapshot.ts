/**
 * Snapshots on the receiving side, and compaction of one's own log.
 *
 * Owns    when a snapshot replaces the log, when it is ignored, and what of the log may go.
 * Never   goes back below what is committed, or drops entries that it may have acknowledged.
 * Rule    rules 44, 45, 46; dissertation, 5.1 to 5.3.
 * Proof   test/core-snapshot.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import { commitThrough } from './commit.js';
import type { Core } from './core.js';
import { acknowledge } from './follower.js';
import { membershipAt } from './membership.js';
import { firstRules, rulesAt } from './rules.js';
import type { Index, MemberId, Message, Outbox } from './types.js';

type InstallSnapshot = Extract<Message, { kind: 'installSnapshot' }>;

export function onInstallSnapshot(
  core: Core,
  from: MemberId,
  { snapshot, round }: InstallSnapshot,
  out: Outbox,
): void {
  if (snapshot.index <= core.commit) {
    // Rule 46: older than what we know. Not an error: it may have been under way for long.
  } else if (core.log.termAt(snapshot.index) === snapshot.term) {
    // Rule 45: we hold that entry, hence all before it; the log stays whole, and the state machine
    // gets there by applying.
    commitThrough(core, snapshot.index, out);
  } else {
    // Rule 44: state, membership, place and the end of the old log become durable as one.
    core.snapshot = snapshot;
    core.log.restartAfter(snapshot.index, snapshot.term);
    core.durability.persist({ snapshot, resetLog: true }, out);
    core.commit = snapshot.index;
    core.applied = snapshot.index;
    out.restore(snapshot);
  }
  acknowledge(core, from, round, snapshot.index, out);
}

/** `state` is the state machine's at `index`, which it has applied: entries up to there may go. */
export function compact(core: Core, index: Index, state: Uint8Array, out: Outbox): void {
  invariant(index <= core.applied, 'only applied entries are compacted', {
    index,
    applied: core.applied,
  });
  // A snapshot from the leader may have gone further while the state machine wrote this one.
  if (index <= core.snapshot.index) return;
  const term = core.log.termAt(index);
  invariant(term !== null, 'an applied entry after the snapshot is in the log', { index });
  // Rule 44: the one at `index`, not the one in force, which may yet be truncated.
  const { membership } = membershipAt(core, index);
  const rules = rulesAt(core, index);
  core.snapshot = { index, term, membership, ...(rules !== firstRules && { rules }), state };
  core.log.compactTo(index);
  core.durability.persist({ snapshot: core.snapshot }, out);
}
