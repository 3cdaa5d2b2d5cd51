/**
 * What a change of leadership becomes in log and metrics.
 *
 * Owns    the lines `leader` and `leadership_lost`, and the election counters.
 */
import type { RoleChange } from '@cometkms/consensus';
import type { Log } from '../log/index.js';
import type { Metrics } from '../metrics/index.js';

export interface LeadershipFacts {
  readonly change: RoleChange & { readonly previous: string | null };
  readonly self: string;
  /** How long there was no leader before; null: there was one. */
  readonly leaderlessMs: number | null;
  /** Names of the members that are not heard. */
  readonly unreachable: readonly string[];
  nameOf(id: string | null): string | null;
}

export function reportLeadership(facts: LeadershipFacts, log: Log, metrics: Metrics): void {
  const { change, self, leaderlessMs, unreachable, nameOf } = facts;
  const { role, term, leader, reason, previous } = change;
  if (previous === self && leader !== self) log('leadership_lost', { term, reason, unreachable });
  if (role === 'leader') metrics.election('won');
  if (role === 'follower' && reason === 'lost') metrics.election('lost');
  if (leader === null || leader === previous) return;
  metrics.leaderChanged();
  log('leader', {
    leader: nameOf(leader) ?? leader,
    term,
    previous: nameOf(previous),
    reason,
    took_ms: leaderlessMs,
  });
}
