/**
 * The commit index of this replica.
 *
 * Owns    that it only grows (rule 24), and that what commits is handed on as one unbroken run
 *         (rule 27).
 * Never   decides what is committed: a leader counts (replication.ts), a follower is told.
 */
import { invariant } from '@cometkms/invariant';
import type { Core } from './core.js';
import type { Index, Outbox } from './types.js';

/** True where that is news. */
export function commitThrough(core: Core, through: Index, out: Outbox): boolean {
  if (through <= core.commit) return false;
  invariant(through <= core.log.lastIndex, 'only what the log holds commits', {
    through,
    lastIndex: core.log.lastIndex,
  });
  if (core.role.kind === 'leader') {
    const { role, log, commit } = core;
    role.uncommittedBytes -= log.bytesBetween(commit, through);
    role.proposals.settle(commit, through, (index) => log.termAt(index), out);
  }
  core.commit = through;
  out.commit(through);
  return true;
}

/** The driver applied everything up to here. */
export function noteApplied(core: Core, through: Index): void {
  invariant(through <= core.commit, 'only committed entries are applied', {
    through,
    commit: core.commit,
  });
  core.applied = Math.max(core.applied, through);
}
