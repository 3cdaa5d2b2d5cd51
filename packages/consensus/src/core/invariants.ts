/**
 * What holds between any two steps. Cheap, and always on.
 *
 * Owns    the relations between the core's numbers, in one place for the reader.
 * Never   repairs: a core that breaks one ends the process.
 * Rule    rules 10, 21, 24, 41.
 */
import { invariant } from '@cometkms/invariant';
import type { Core } from './core.js';
import { isMember, standsForElection } from './membership.js';

export function assertCore(core: Core): void {
  const { log, commit, applied, durability, role, hard, config } = core;
  const facts = { prefix: log.prefixIndex, applied, commit, last: log.lastIndex };
  invariant(core.snapshot.index === log.prefixIndex, 'the log begins after the snapshot', facts);
  invariant(log.prefixIndex <= applied, 'only applied entries are compacted away', facts);
  invariant(applied <= commit, 'only committed entries are applied', facts);
  invariant(commit <= log.lastIndex, 'what is committed is in the log', facts);
  invariant(durability.durableIndex <= log.lastIndex, 'durable is at most what there is', facts);
  invariant(log.lastTerm <= hard.term, 'no entry is of a term yet to come', { term: hard.term });
  if (role.kind === 'follower') return;
  if (role.kind !== 'leader') {
    invariant(standsForElection(core), 'only voters campaign', { self: config.self });
    return;
  }
  invariant(hard.votedFor === config.self, 'a leader voted for itself', { hard });
  invariant(durability.termIsDurable, 'a leader’s term is durable', { hard });
  for (const [id, { match, next }] of role.peers) {
    invariant(isMember(core, id), 'a leader sends to members only', { id });
    invariant(match < next && match <= log.lastIndex, 'match lies before next', {
      id,
      match,
      next,
    });
  }
}
