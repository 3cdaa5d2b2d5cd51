/**
 * What a replica does, as a deed of the trace: its writes, its roles, and what it shows of itself.
 *
 * Owns    the words for what the core asks of the world. Each deed begins with its verb (trace.ts).
 * Never   says what changes nothing: another round of the same question, a role that is kept.
 */
import {
  type Core,
  type Entry,
  type MemberId,
  mayServe,
  type PersistBatch,
  type RecoveredLog,
  type RoleChange,
  type Snapshot,
  standingOf,
  statusOf,
} from '@cometkms/consensus/core';
import { describeEntry, describeMembership, placeOf } from './words.js';

/** @param notYet  what follows a write that waits for its disk */
export function deedsOfWriting(
  { hard, truncateFrom, entries = [], snapshot, resetLog }: PersistBatch,
  self: MemberId,
  notYet: string,
): readonly string[] {
  const deeds: string[] = [];
  // Its vote for itself is told by `stands`.
  if (hard !== undefined && hard.votedFor !== self) {
    const { term, votedFor } = hard;
    const deed = votedFor === null ? `notes term ${term}` : `votes for ${votedFor} in term ${term}`;
    deeds.push(`${deed}${notYet}`);
  }
  if (truncateFrom !== undefined) deeds.push(`drops all from index ${truncateFrom} on`);
  if (entries.length > 0) deeds.push(`writes ${entries.map(describeEntry).join(', ')}${notYet}`);
  if (snapshot !== undefined) {
    const how = resetLog === true ? ' in place of its log' : '';
    deeds.push(`writes a snapshot at ${placeOf(snapshot)}${how}${notYet}`);
  }
  return deeds;
}

/** What a write that finished brought to the disk. */
export function describeBatch({ hard, entries = [], snapshot }: PersistBatch): string {
  return [
    ...(hard === undefined ? [] : [`term ${hard.term}, vote ${hard.votedFor ?? 'none'}`]),
    ...entries.map(placeOf),
    ...(snapshot === undefined ? [] : [`the snapshot at ${placeOf(snapshot)}`]),
  ].join(', ');
}

/** Null: nothing that is worth a word. */
export function deedOfRole(
  before: RoleChange['role'],
  { role, term, leader, reason }: RoleChange,
  notYet: string,
): string | null {
  switch (role) {
    case 'preCandidate': {
      const why = reason === 'peer_closed' ? ': its link to the leader closed' : '';
      return before === 'preCandidate' ? null : `asks ahead${why}`;
    }
    case 'candidate': {
      const why = reason === 'transfer' ? ', as its leader told it' : '';
      return `stands for term ${term}${why}${notYet}`;
    }
    case 'leader':
      return reason === 'transfer_aborted'
        ? 'takes proposals again: nobody took over'
        : `leads term ${term}`;
    case 'follower':
      return reason === 'leader_found'
        ? `follows ${leader} in term ${term}`
        : deedOfYielding(before, reason);
  }
}

function deedOfYielding(before: RoleChange['role'], reason: RoleChange['reason']): string | null {
  if (reason === 'no_quorum') return 'steps down: no quorum answers';
  if (reason === 'removed') return 'steps down: it is no voter any more';
  if (reason === 'lost') return 'does not win';
  if (before === 'leader') return 'steps down: its term is over';
  return before === 'follower' ? null : 'gives up';
}

export function describeOff({ hard, snapshot, entries }: RecoveredLog): string {
  const log = logWords(snapshot, entries);
  return `off; on disk: term ${hard.term}, vote ${hard.votedFor ?? 'none'}, log ${log}`;
}

export function describeCore(core: Core, now: number): string {
  const { role, term, leader, commit, durableIndex } = statusOf(core, now);
  const log: Entry[] = [];
  for (let index = core.snapshot.index + 1; index <= core.log.lastIndex; index += 1) {
    const entry = core.log.entryAt(index);
    if (entry !== null) log.push(entry);
  }
  const who = role === 'follower' ? `follower of ${leader ?? 'nobody'}` : role;
  const serves = role === 'leader' ? `, ${mayServe(core, now) ? 'may' : 'may not'} serve` : '';
  const members = describeMembership(standingOf(core).inForce.membership);
  return (
    `${who} in term ${term}${serves}; log ${logWords(core.snapshot, log)}, ` +
    `on disk to ${durableIndex}, committed to ${commit}; ${members}`
  );
}

function logWords(snapshot: Snapshot, entries: readonly Entry[]): string {
  const start = snapshot.index === 0 ? [] : [`snapshot ${placeOf(snapshot)}`];
  const all = [...start, ...entries.map(placeOf)];
  return all.length === 0 ? 'empty' : all.join(' ');
}
