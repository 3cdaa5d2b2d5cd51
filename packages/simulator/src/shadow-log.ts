/**
 * What each replica's log must still know, by what it acknowledged: a model without files.
 *
 * Owns    the record per replica, and what one more batch makes of it.
 * Never   shares code with the log that it judges.
 */
import type {
  Entry,
  HardState,
  LogBatch,
  MemberId,
  Membership,
  PeerMark,
  Snapshot,
} from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';

export interface ShadowLog {
  readonly founded: boolean;
  readonly boot: number;
  readonly hard: HardState;
  readonly snapshot: Snapshot | null;
  /** From the snapshot's index on, without a hole. */
  readonly entries: readonly Entry[];
  /** The most that others have shown it. */
  readonly marks: ReadonlyMap<MemberId, PeerMark>;
}

export const emptyShadow: ShadowLog = {
  founded: false,
  boot: 0,
  hard: { term: 0, votedFor: null },
  snapshot: null,
  entries: [],
  marks: new Map(),
};

export const lastIndexOf = ({ entries, snapshot }: ShadowLog): number =>
  entries.at(-1)?.index ?? snapshot?.index ?? 0;

export function entryAt({ entries }: ShadowLog, index: number): Entry | null {
  const first = entries[0]?.index;
  return first === undefined ? null : (entries[index - first] ?? null);
}

/** Of the first entry with this index or a later one. A slice is cheap, a look at each entry is not. */
const placeOf = (entries: readonly Entry[], index: number): number =>
  Math.max(0, index - (entries[0]?.index ?? index));

/** In the order of a batch: hard state, truncation, entries, snapshot. */
export function withBatch(shadow: ShadowLog, batch: LogBatch): ShadowLog {
  let { entries, snapshot } = shadow;
  const { truncateFrom } = batch;
  if (truncateFrom !== undefined) entries = entries.slice(0, placeOf(entries, truncateFrom));
  if (batch.entries !== undefined) entries = entries.concat(batch.entries);
  if (batch.snapshot !== undefined) {
    const { index } = batch.snapshot;
    snapshot = batch.snapshot;
    entries = batch.resetLog === true ? [] : entries.slice(placeOf(entries, index + 1));
  }
  return {
    founded: shadow.founded || batch.genesis !== undefined,
    boot: batch.boot?.boot ?? shadow.boot,
    hard: batch.hard ?? shadow.hard,
    snapshot,
    entries,
    marks:
      batch.marks === undefined
        ? shadow.marks
        : new Map([...shadow.marks, ...batch.marks.map((mark) => [mark.peer, mark] as const)]),
  };
}

export const withBatches = (shadow: ShadowLog, batches: readonly LogBatch[]): ShadowLog =>
  batches.reduce(withBatch, shadow);

/** The members that `index` must be durable on a majority of, as this log has it. */
export function membershipAt(shadow: ShadowLog, index: number): Membership | null {
  for (let at = shadow.entries.length - 1; at >= 0; at -= 1) {
    const entry = shadow.entries[at];
    if (entry !== undefined && entry.index <= index && 'membership' in entry) {
      return entry.membership as Membership;
    }
  }
  return shadow.snapshot?.membership ?? null;
}

/** In force for this replica: as its core has it, which its disk may not have been given yet. */
export function membershipOf({ log, snapshot }: Core): Membership {
  for (let index = log.lastIndex; index > log.prefixIndex; index -= 1) {
    const entry = log.entryAt(index);
    if (entry?.kind === 'membership') return entry.membership;
  }
  return snapshot.membership;
}

export function contentOf(entry: Entry): string {
  switch (entry.kind) {
    case 'empty':
      return 'empty';
    case 'command':
      return Buffer.from(entry.command).toString('latin1');
    case 'membership':
      return JSON.stringify(entry);
    case 'rules':
      return `rules ${entry.version}`;
    case 'stateHash':
      return `state hash at ${entry.at}: ${entry.hash}`;
  }
}
