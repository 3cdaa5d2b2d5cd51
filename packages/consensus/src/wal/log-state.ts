/**
 * What the log says, as one value: the sum of all batches so far. Pure.
 *
 * Owns    what a batch does to it (raft.md rules 14, 44, 45), for appending and for recovery alike, so
 *         that what is kept in memory is by construction what would be read back.
 * Never   does I/O, or judges terms and votes: that is the core's.
 * Proof   conformance/storage.ts (each rule broken once), test/wal-history.test.ts (any history).
 */
import type { Entry, HardState, Index, MemberId, Snapshot, Term } from '../core/types.js';
import type { Boot, Genesis, LogBatch, PeerMark } from '../storage.js';

export interface LogState {
  genesis: Genesis | null;
  boot: Boot | null;
  hard: HardState;
  snapshot: Snapshot | null;
  /** Contiguous, from `snapshot.index + 1` (from 1 where there is no snapshot). */
  entries: Entry[];
  readonly marks: Map<MemberId, PeerMark>;
}

export function emptyState(): LogState {
  return {
    genesis: null,
    boot: null,
    hard: { term: 0, votedFor: null },
    snapshot: null,
    entries: [],
    marks: new Map(),
  };
}

/**
 * Applies one batch: genesis, boot, marks and hard state, then truncate, entries, snapshot.
 * @returns null, or the rule that the batch breaks; the state is then of no use any more
 */
export function applyBatch(state: LogState, batch: LogBatch): string | null {
  if (batch.genesis !== undefined) {
    if (state.genesis !== null) return 'a log has one genesis, written once';
    state.genesis = batch.genesis;
  }
  if (state.genesis === null) return 'the first batch of a log carries its genesis';
  if (batch.boot !== undefined) state.boot = batch.boot;
  for (const mark of batch.marks ?? []) state.marks.set(mark.peer, mark);
  if (batch.hard !== undefined) state.hard = batch.hard;
  return (
    truncate(state, batch.truncateFrom) ??
    extend(state, batch.entries ?? []) ??
    replaceSnapshot(state, batch.snapshot, batch.resetLog === true)
  );
}

/** With bytes of its own; all else in a batch is never changed by anybody. */
export function copyOf(batch: LogBatch): LogBatch {
  const { genesis, entries, snapshot } = batch;
  return {
    ...batch,
    ...(genesis && { genesis: structuredClone(genesis) }),
    ...(entries && { entries: entries.map(copyOfEntry) }),
    ...(snapshot && { snapshot: { ...snapshot, state: Uint8Array.from(snapshot.state) } }),
  };
}

const copyOfEntry = (entry: Entry): Entry =>
  entry.kind === 'command' ? { ...entry, command: Uint8Array.from(entry.command) } : entry;

/** The state as batches that, applied to the empty state, make it again. */
export function batchesOf(state: LogState): readonly LogBatch[] {
  const { genesis, boot, hard, snapshot } = state;
  return [
    {
      ...(genesis && { genesis }),
      ...(boot && { boot }),
      hard,
      marks: [...state.marks.values()],
      ...(snapshot && { snapshot, resetLog: true }),
    },
    // A batch of its own: in one batch the entries would come before the snapshot.
    { entries: state.entries },
  ];
}

const baseIndex = (state: LogState): Index => state.snapshot?.index ?? 0;
const lastIndex = (state: LogState): Index => baseIndex(state) + state.entries.length;

function termAt(state: LogState, index: Index): Term | null {
  if (index === baseIndex(state)) return state.snapshot?.term ?? 0;
  return state.entries[index - baseIndex(state) - 1]?.term ?? null;
}

function truncate(state: LogState, from: Index | undefined): string | null {
  if (from === undefined) return null;
  // At or below the snapshot everything is committed (rule 21); beyond the end would leave a hole.
  if (from <= baseIndex(state)) return 'what a snapshot covers is never truncated';
  if (from > lastIndex(state) + 1) return 'truncation begins inside the log or at its end';
  state.entries.length = from - baseIndex(state) - 1;
  return null;
}

function extend(state: LogState, entries: readonly Entry[]): string | null {
  for (const entry of entries) {
    // A hole would let this replica acknowledge an index whose predecessor it never had.
    if (entry.index !== lastIndex(state) + 1) return 'the log has no holes';
    state.entries.push(entry);
  }
  return null;
}

function replaceSnapshot(
  state: LogState,
  snapshot: Snapshot | undefined,
  resetLog: boolean,
): string | null {
  if (snapshot === undefined) return resetLog ? 'a log is reset only by a snapshot' : null;
  // Rule 46: going back would be a rollback of the state machine.
  if (snapshot.index < baseIndex(state)) return 'a snapshot is never older than the one before';
  if (resetLog || isUntouched(state)) {
    state.entries = [];
  } else {
    // Rule 45 keeps the suffix because the log contains the snapshot's last entry; else it may not.
    if (termAt(state, snapshot.index) !== snapshot.term) {
      return 'a snapshot that keeps the log ends in an entry of it';
    }
    state.entries = state.entries.slice(snapshot.index - baseIndex(state));
  }
  state.snapshot = snapshot;
  return null;
}

/** A log just founded takes its first snapshot as it comes. */
const isUntouched = (state: LogState): boolean =>
  state.snapshot === null && state.entries.length === 0;
