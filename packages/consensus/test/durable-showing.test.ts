/** A hello shows what the disk holds: never more, or a crash looks like a rollback; never less. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entries, snapshot } from '../src/conformance/log-records.js';
import type { PersistBatch, Receipt } from '../src/core/types.js';
import { DurableShowing } from '../src/durable-showing.js';

const before = { hard: { term: 4, votedFor: null }, snapshot: snapshot(10, 2) };

type Row = readonly [says: string, batch: PersistBatch, term: number, lastIndex: number];
const rows: readonly Row[] = [
  ['a new term', { hard: { term: 5, votedFor: 'x' } }, 5, 14],
  ['new entries', { entries: entries(15, 17, 4) }, 4, 17],
  ['a truncation with what replaces it', { truncateFrom: 12, entries: entries(12, 12, 5) }, 4, 12],
  ['a truncation alone', { truncateFrom: 12 }, 4, 11],
  ['a snapshot of our own', { snapshot: snapshot(13, 4) }, 4, 14],
  ['a snapshot that replaces the log', { snapshot: snapshot(90, 5), resetLog: true }, 4, 90],
];
for (const [says, batch, term, lastIndex] of rows) {
  test(`${says}: shown when it is on disk, and until then what was`, () => {
    const showing = new DurableShowing();
    showing.recovered({ ...before, entries: entries(11, 14, 4) });
    showing.handedOut(1 as Receipt, batch);
    assert.deepEqual([showing.term, showing.lastIndex], [4, 14]);
    showing.durable(1 as Receipt);
    assert.deepEqual([showing.term, showing.lastIndex], [term, lastIndex]);
  });
}

test('after a start without entries the snapshot’s index is the last one', () => {
  const showing = new DurableShowing();
  showing.recovered({ ...before, entries: [] });
  assert.equal(showing.lastIndex, 10);
});

test('only what is covered by the notice is shown', () => {
  const showing = new DurableShowing();
  showing.recovered({ ...before, entries: [] });
  showing.handedOut(1 as Receipt, { entries: entries(11, 11, 4) });
  showing.handedOut(2 as Receipt, { entries: entries(12, 12, 4) });
  showing.durable(1 as Receipt);
  assert.equal(showing.lastIndex, 11);
});
