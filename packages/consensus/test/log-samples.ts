/**
 * Small logs for the tests below: what is appended, and what must be read back after each call.
 *
 * Owns    a script of calls that meets every kind of record, and the way to run it on a disk in memory.
 */
import { systemClock } from '../src/clock.js';
import type { LogBatch, RecoveredStorage } from '../src/storage.js';
import { WriteAheadLog } from '../src/wal/index.js';
import { recover } from '../src/wal/recovery.js';
import type { SegmentBytes } from '../src/wal/scan.js';
import { readName } from '../src/wal/segments.js';
import { PowerLossDisk } from './power-loss-disk.js';

const membership = {
  voters: [{ id: 'aa', name: 'a', address: 'a:1', witness: false }],
  learners: [],
};

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

export const founding: LogBatch = {
  genesis: { clusterId: 'cluster', self: 'aa', membership },
  snapshot: { index: 0, term: 0, membership, state: text('empty') },
  boot: { boot: 1, runId: 'run-1' },
};

export const command = (index: number, term = 1, words = `command ${index}`): LogBatch => ({
  entries: [{ kind: 'command', index, term, command: text(words) }],
});

/** Sixteen calls: votes, entries, a conflict, a long entry, both kinds of snapshot, marks, a boot. */
export const script: readonly (readonly LogBatch[])[] = [
  [founding],
  [{ hard: { term: 1, votedFor: 'aa' } }],
  [command(1), command(2)],
  [command(3, 1, 'x'.repeat(5000))],
  [
    { hard: { term: 2, votedFor: null } },
    { truncateFrom: 2, entries: command(2, 2).entries ?? [] },
  ],
  [{ marks: [{ peer: 'bb', boot: 1, runId: 'r', term: 2, acknowledged: 2, joined: true }] }],
  [command(3, 2)],
  [{ snapshot: { index: 2, term: 2, membership, state: text('two') } }],
  [command(4, 2)],
  [{ boot: { boot: 2, runId: 'run-2' } }],
  [{ snapshot: { index: 9, term: 3, membership, state: text('nine') }, resetLog: true }],
  [command(10, 3), { hard: { term: 3, votedFor: 'bb' } }],
  [command(11, 3)],
  [{ marks: [{ peer: 'bb', boot: 2, runId: 's', term: 3, acknowledged: 11, joined: true }] }],
  [{ entries: [{ kind: 'empty', index: 12, term: 4 }], hard: { term: 4, votedFor: 'aa' } }],
  [command(13, 4)],
];

export const SMALL_SEGMENT = 12 * 1024;

/** What is to be done later is done in the next turn: so notes are written between the appends. */
const impatient = {
  nowMs: systemClock.nowMs,
  after: (_delayMs: number, run: () => void) => {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

export const walOn = (disk: PowerLossDisk, segmentBytes = SMALL_SEGMENT): WriteAheadLog =>
  new WriteAheadLog(disk.files, { segmentBytes }, impatient);

/** What recovery says after 0, 1, 2 … calls, on a disk where nothing fails. */
export async function statesOf(
  calls: readonly (readonly LogBatch[])[],
): Promise<RecoveredStorage[]> {
  const disk = new PowerLossDisk();
  const states: RecoveredStorage[] = [];
  for (let done = 0; done <= calls.length; done += 1) {
    const wal = walOn(disk, 1024 * 1024);
    states.push(await wal.open());
    const call = calls[done];
    if (call !== undefined) await wal.append(call);
    await wal.close();
  }
  return states;
}

/** A disk on which all calls were appended, after a clean stop. */
export async function diskOf(
  calls: readonly (readonly LogBatch[])[],
  segmentBytes = SMALL_SEGMENT,
): Promise<PowerLossDisk> {
  const disk = new PowerLossDisk();
  const wal = walOn(disk, segmentBytes);
  await wal.open();
  for (const call of calls) await wal.append(call);
  await wal.close();
  return disk;
}

export function segmentsOn(disk: PowerLossDisk): SegmentBytes[] {
  return disk.names().flatMap((name) => {
    const named = readName(name);
    const bytes = disk.contents(name);
    return named.kind === 'segment' && bytes !== null
      ? [{ name, number: named.number, bytes: Buffer.from(bytes) }]
      : [];
  });
}

/** As `open` would answer, `cutBytes` left out. */
export function recovered(
  segments: readonly SegmentBytes[],
  noted: number,
): Omit<RecoveredStorage, 'cutBytes'> & { readonly label: string } {
  const { row, state } = recover(segments, noted, 'log');
  const { genesis, hard, snapshot, entries, boot, marks } = state;
  return { label: row.label, genesis, hard, snapshot, entries, boot, marks: [...marks.values()] };
}
