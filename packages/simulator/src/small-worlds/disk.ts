/**
 * What one replica's log holds durably, batch by batch.
 *
 * Owns    what a batch makes of the disk: all of it or nothing, in order; and what may never happen to a term, a vote
 *         or a log there.
 * Never   shares code with the core's log: it is what the core is judged by.
 */
import type { Entry, HardState, PersistBatch, Snapshot } from '@cometkms/consensus/core';

export interface Disk {
  readonly hard: HardState;
  readonly snapshot: Snapshot;
  /** From the one after the snapshot on. */
  readonly entries: readonly Entry[];
}

/** An entry's name: its term, and what it says. */
export function keyOf(entry: Entry): string {
  switch (entry.kind) {
    case 'empty':
      return `${entry.term}`;
    case 'command':
      return `${entry.term}:${Buffer.from(entry.command).toString('latin1')}`;
    case 'membership':
      return `${entry.term}:${JSON.stringify(entry.membership)}`;
    case 'rules':
      return `${entry.term}:rules ${entry.version}`;
    case 'stateHash':
      return `${entry.term}:state hash at ${entry.at}`;
  }
}

/** The state machine of these worlds is the list of what it applied; a snapshot holds that list. */
export function stateOf(applied: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify(applied), 'latin1');
}

export function appliedIn(state: Uint8Array): readonly string[] {
  return JSON.parse(Buffer.from(state).toString('latin1')) as string[];
}

/** The whole log from index 1 on, what is compacted included. */
export function keysOn({ snapshot, entries }: Disk): readonly string[] {
  return [...appliedIn(snapshot.state), ...entries.map(keyOf)];
}

/** @returns the disk after `batch`; a text where that breaks a rule of the disk */
export function written(disk: Disk, batch: PersistBatch): Disk | string {
  const { truncateFrom, snapshot } = batch;
  const hard = batch.hard ?? disk.hard;
  if (hard.term < disk.hard.term) return `the durable term fell to ${hard.term}`;
  const revoked = disk.hard.votedFor !== null && disk.hard.votedFor !== hard.votedFor;
  if (hard.term === disk.hard.term && revoked) return `the durable vote of ${hard.term} changed`;
  let entries = disk.entries;
  if (truncateFrom !== undefined) entries = entries.filter(({ index }) => index < truncateFrom);
  for (const entry of batch.entries ?? []) {
    const last = entries.at(-1) ?? disk.snapshot;
    if (entry.index !== last.index + 1) return `the durable log has a hole before ${entry.index}`;
    entries = [...entries, entry];
  }
  if (snapshot === undefined) return { hard, snapshot: disk.snapshot, entries };
  const kept = batch.resetLog === true ? [] : entries.filter(({ index }) => index > snapshot.index);
  return { hard, snapshot, entries: kept };
}
