/** Batches reach the log in order, one write at a time, and no promise leaves before its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../src/clock.js';
import { entries, founded, mark } from '../src/conformance/log-records.js';
import type { Receipt } from '../src/core/types.js';
import { LogWriter } from '../src/log-writer.js';
import type { LogBatch, LogStorage, PeerMark } from '../src/storage.js';

/** Each write ends when the test says so. */
class HeldDisk implements LogStorage {
  readonly written: (readonly LogBatch[])[] = [];
  #done: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;

  open() {
    return Promise.resolve(founded);
  }
  append(batches: readonly LogBatch[]): Promise<void> {
    assert.equal(this.#done, null, 'one write is in flight');
    this.written.push(batches);
    return new Promise((resolve, reject) => {
      this.#done = { resolve, reject };
    });
  }
  async finish(error?: Error): Promise<void> {
    const done = this.#done;
    this.#done = null;
    if (error === undefined) done?.resolve();
    else done?.reject(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
  stats() {
    return { bytes: 0, lastSyncMs: 0 };
  }
  close() {
    return Promise.resolve();
  }
}

function writer() {
  const disk = new HeldDisk();
  const told: string[] = [];
  const marks: PeerMark[] = [];
  const world = new LogWriter(disk, systemClock, {
    durable: (through, written) => told.push(`durable ${through} marks ${written.length}`),
    takeMarks: () => marks.splice(0),
    failed: (error) => told.push(`failed ${String(error)}`),
    synced: () => undefined,
  });
  return { disk, told, marks, writer: world };
}

const batch = (index: number): LogBatch => ({ entries: entries(index, index, 1) });

test('what waits while a write is in flight goes out together in the next', async () => {
  const { disk, told, writer: log } = writer();
  log.persist(batch(1));
  log.kick();
  log.persist(batch(2));
  log.kick();
  log.persist(batch(3));
  log.kick();
  assert.deepEqual(disk.written, [[batch(1)]]);
  await disk.finish();
  assert.deepEqual(disk.written, [[batch(1)], [batch(2), batch(3)]]);
  assert.deepEqual(told, ['durable 1 marks 0']);
  await disk.finish();
  assert.deepEqual(told, ['durable 1 marks 0', 'durable 3 marks 0']);
});

test('a promise leaves when its receipt is durable, not before, and in order', async () => {
  const { disk, writer: log } = writer();
  const sent: string[] = [];
  const first = log.persist(batch(1));
  log.promise(0 as Receipt, () => sent.push('free'));
  log.promise(first, () => sent.push('first'));
  log.kick();
  const second = log.persist(batch(2));
  log.promise(second, () => sent.push('second'));
  log.promise(first, () => sent.push('first again'));
  assert.deepEqual(sent, ['free']);
  await disk.finish();
  assert.deepEqual(sent, ['free', 'first', 'first again']);
  await disk.finish();
  assert.deepEqual(sent, ['free', 'first', 'first again', 'second']);
});

test('marks travel with the next frame, and make none of their own', async () => {
  const { disk, told, marks, writer: log } = writer();
  marks.push(mark('b'));
  log.kick();
  assert.deepEqual(disk.written, []);
  log.persist(batch(1));
  log.kick();
  assert.deepEqual(disk.written, [[batch(1), { marks: [mark('b')] }]]);
  await disk.finish();
  assert.deepEqual(told, ['durable 1 marks 1']);
});

test('after a failed write nothing is written and nothing is promised any more', async () => {
  const { disk, told, writer: log } = writer();
  const sent: string[] = [];
  const first = log.persist(batch(1));
  log.promise(first, () => sent.push('first'));
  log.kick();
  log.persist(batch(2));
  await disk.finish(new Error('EIO'));
  assert.deepEqual(told, ['failed Error: EIO']);
  log.kick();
  log.promise(0 as Receipt, () => sent.push('even what is on disk'));
  assert.deepEqual(sent, []);
  assert.equal(disk.written.length, 1);
});

test('latched, a write in flight still ends, and frees no promise', async () => {
  const { disk, told, writer: log } = writer();
  const sent: string[] = [];
  log.promise(log.persist(batch(1)), () => sent.push('first'));
  log.kick();
  const ended = log.end();
  await disk.finish();
  await ended;
  assert.deepEqual(sent, []);
  assert.deepEqual(told, []);
});

test('settled resolves once all that was handed out is on disk', async () => {
  const { disk, writer: log } = writer();
  log.add(batch(1));
  let settled = false;
  const done = log.settled().then(() => {
    settled = true;
  });
  log.add(batch(2));
  await disk.finish();
  assert.equal(settled, false);
  await disk.finish();
  await done;
});
