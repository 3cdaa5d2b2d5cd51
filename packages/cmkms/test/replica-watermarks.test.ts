/** When a lost or damaged watermark may be made anew, from what, and that nothing is served before. */

import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readSignBytes, type SigningRecord, voteSignBytes } from '@cometkms/sign-state';
import { systemClock, systemFiles } from '@cometkms/signer';
import { ReplicaWatermark, type WatermarkAlarm } from '../src/replica/watermarks.js';
import { CHAIN, keyOf, scratch } from './scratch-homes.js';

const edges = { clock: systemClock, files: systemFiles };

const id = { chainId: CHAIN, key: keyOf(1).publicKey };

function bytes(height: bigint): Uint8Array {
  const timestamp = { seconds: 1n, nanos: 0 };
  return voteSignBytes(CHAIN, { type: 2, height, round: 0, blockId: null, timestamp });
}

const content = (height: bigint): Uint8Array => readSignBytes(bytes(height)).content;
const hrs = (height: bigint) => ({ height, round: 0, step: 3 }) as const;

function record(height: bigint): SigningRecord {
  return {
    id,
    last: { hrs: hrs(height), signBytes: bytes(height), by: 'a', at: 0 },
    floor: null,
    haltHeight: null,
    limits: { maxHeightJump: 10n, cutoverWindow: 10n },
    cutoverArmed: false,
    neverSigned: false,
    retired: false,
  };
}

interface Setup {
  readonly path: string;
  readonly alarms: WatermarkAlarm[];
  open(): Promise<ReplicaWatermark>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const path = join(await scratch(t), 'mark');
  const alarms: WatermarkAlarm[] = [];
  const opened: ReplicaWatermark[] = [];
  t.after(() => Promise.all(opened.map((watermark) => watermark.close())));
  const open = async (): Promise<ReplicaWatermark> => {
    const watermark = await ReplicaWatermark.open(path, id, edges, (alarm) => alarms.push(alarm));
    opened.push(watermark);
    return watermark;
  };
  return { path, alarms, open };
}

/** A file with marks at 5 and 6, one in each slot. */
async function marked({ open }: Setup): Promise<void> {
  const watermark = await open();
  await watermark.createForNewReplica();
  for (const height of [5n, 6n]) await watermark.raise(hrs(height), content(height));
}

async function damage(path: string, ...slots: readonly number[]): Promise<void> {
  const file = await readFile(path);
  for (const slot of slots) file[slot * 4096 + 40] = (file[slot * 4096 + 40] ?? 0) ^ 0xff;
  await writeFile(path, file);
}

test('a new replica makes it at once, and nobody is alarmed', async (t) => {
  const { open, alarms } = await setUp(t);
  const watermark = await open();
  assert.equal(watermark.ready, false);
  await watermark.createForNewReplica();
  assert.deepEqual([watermark.ready, watermark.current(), alarms], [true, null, []]);
});

test('missing on a replica that may have signed: not ready until it is made from what is applied', async (t) => {
  const { open, alarms } = await setUp(t);
  const watermark = await open();
  await watermark.restore(record(7n));
  assert.deepEqual(watermark.current()?.hrs, hrs(7n));
  assert.deepEqual(alarms, [{ to: '7/0/3', reason: 'missing' }]);
  assert.equal((await watermark.raise(hrs(6n), content(6n))).kind, 'refused');
  assert.equal(watermark.lastRefusal, 'regressed');
});

test('missing where the chain was never registered, or never signed: made without an alarm', async (t) => {
  for (const applied of [undefined, { ...record(7n), last: null }]) {
    const { open, alarms } = await setUp(t);
    const watermark = await open();
    await watermark.restore(applied);
    assert.deepEqual([watermark.ready, alarms], [true, []]);
  }
});

test('both slots damaged: made from what is applied, also by a new replica never from nothing', async (t) => {
  const world = await setUp(t);
  await marked(world);
  await damage(world.path, 0, 1);
  const watermark = await world.open();
  await watermark.createForNewReplica();
  assert.equal(watermark.ready, false);
  await watermark.restore(record(9n));
  assert.deepEqual(watermark.current()?.hrs, hrs(9n));
  assert.deepEqual(world.alarms, [{ to: '9/0/3', reason: 'damaged' }]);
});

test('one slot damaged: the other holds, and is raised to what is applied before it serves', async (t) => {
  const world = await setUp(t);
  await marked(world);
  await damage(world.path, 0);
  const watermark = await world.open();
  assert.equal(watermark.ready, false);
  await watermark.restore(record(9n));
  assert.deepEqual([watermark.ready, watermark.current()?.hrs], [true, hrs(9n)]);
  assert.deepEqual(world.alarms, [{ to: '9/0/3', reason: 'one slot is bad' }]);
});

test('one slot damaged: what is applied never lowers the one that holds', async (t) => {
  const world = await setUp(t);
  await marked(world);
  const held = await world.open();
  const at = held.current()?.hrs;
  await damage(world.path, 0);
  const watermark = await world.open();
  await watermark.restore(record(4n));
  const now = watermark.current()?.hrs;
  assert.deepEqual(at, hrs(6n));
  assert.ok(now !== undefined && now.height >= 5n, 'the good slot said at least 5');
});

test('leadership that comes twice while it is being made anew makes it once', async (t) => {
  const { open, alarms, path } = await setUp(t);
  const watermark = await open();
  await Promise.all([watermark.restore(record(7n)), watermark.restore(record(7n))]);
  assert.equal(alarms.length, 1);
  await watermark.raise(hrs(8n), content(8n));
  await watermark.close();
  const again = await open();
  assert.deepEqual(again.current()?.hrs, hrs(8n), `a mark that is not in ${path}`);
});

test('a file of another chain is refused, whatever else is wrong', async (t) => {
  const world = await setUp(t);
  await marked(world);
  const foreign = { ...id, chainId: 'other-1' };
  const opening = ReplicaWatermark.open(world.path, foreign, edges, () => {});
  await assert.rejects(opening, { code: 'SIGNER_WATERMARK_FOREIGN' });
  await rm(world.path);
});
