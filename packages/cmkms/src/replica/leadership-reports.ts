/**
 * What a change of leadership becomes in log and metrics.
 *
 * Owns    the lines `leader`, `leadership_lost` and, at the end, `handed_over`, and the election counters.
 */
import { ConsensusError, type RaftNode, type RoleChange } from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { Log } from '../log/index.js';
import type { Metrics } from '../metrics/index.js';
import type { ReplicaClock } from './edges.js';
import type { Members } from './members.js';

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

/** Before this replica ends: where nobody takes it in time, the others elect one when this one is gone. */
export async function handOver(
  node: RaftNode<Answer>,
  members: Members,
  clock: ReplicaClock,
  log: Log,
): Promise<void> {
  if (node.leader !== node.id || members.all.length < 2) return;
  const started = clock.nowMs();
  const to = await node.transferLeadership(null).catch((error: unknown) => {
    if (error instanceof ConsensusError) return null;
    throw error;
  });
  if (to === null) return;
  const took_ms = clock.nowMs() - started;
  log('handed_over', { to: members.nameOf(to), reason: 'this replica stops', took_ms });
}
