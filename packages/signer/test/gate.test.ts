/** The whole gate over the reference store, a real key and a real watermark file. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Gate, MemoryCluster, openWatermark, verifierFor } from '../src/index.js';
import { hrs, id, key, limits, request } from './worlds.js';

test('a granted vote with its extension comes out verified, with its commit and its stages', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'cmkms-gate-'));
  try {
    const cluster = new MemoryCluster();
    cluster.elect('a');
    const replica = cluster.replica('a');
    await replica.registerChain(id, { kind: 'neverSigned' }, limits);
    const opened = await openWatermark(join(dir, 'watermark'), id);
    assert.equal(opened.kind, 'lost');
    const watermark = await opened.rebuild(null);
    const gate = new Gate({
      id,
      replica: 'a',
      store: replica,
      leadership: replica,
      key,
      watermark,
      fatal: (error) => assert.fail(error),
    });
    const asked = request(hrs(7, 0, 3), 'X', 0, true);
    const outcome = await gate.sign(asked, performance.now() + 1000);
    assert.equal(outcome.kind, 'released');
    const verify = verifierFor(id.key);
    assert.deepEqual(outcome.signBytes, asked.signBytes);
    assert.ok(verify(asked.signBytes, outcome.signature));
    assert.ok(asked.extensionSignBytes && outcome.extensionSignature);
    assert.ok(verify(asked.extensionSignBytes, outcome.extensionSignature));
    assert.deepEqual(watermark.current(), { hrs: asked.hrs });
    await watermark.close();
  } finally {
    await rm(dir, { recursive: true });
  }
});
