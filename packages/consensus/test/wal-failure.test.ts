/** The disk refuses: the append that meets it rejects, and so does everything after, for ever. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConsensusError } from '../src/errors.js';
import { openWal } from '../src/wal/index.js';
import { command, founding, script, statesOf, walOn } from './log-samples.js';
import { allLost, type Call, PowerLossDisk } from './power-loss-disk.js';

const failed = (error: unknown): boolean =>
  error instanceof ConsensusError && error.code === 'CONSENSUS_LOG_FAILED';

test('a write that fails is never tried again, though the disk would take the next one', async () => {
  let broken = false;
  let callsAfter = 0;
  const disk = new PowerLossDisk((call) => {
    if (!broken) return 'good';
    callsAfter += 1;
    return call.kind === 'write' && callsAfter === 1 ? 'error' : 'good';
  });
  const wal = walOn(disk, 64 * 1024);
  await wal.open();
  await wal.append([founding]);
  await wal.close();
  const again = walOn(disk, 64 * 1024);
  await again.open();
  // Its note is still to be written when the next append fails.
  await again.append([command(1)]);
  broken = true;
  const first = await again.append([command(2)]).then(
    () => null,
    (error: unknown) => error,
  );
  assert.ok(failed(first));
  for (let more = 0; more < 3; more += 1) {
    await assert.rejects(again.append([command(3)]), (error: unknown) => error === first);
  }
  await new Promise((resolve) => setImmediate(resolve));
  await again.close();
  assert.equal(callsAfter, 1, 'nothing was written after the failure, not even at the end');
});

test('a failure of each single call is met by some append or by close, and then by every later one', async () => {
  const clean = new PowerLossDisk();
  const states = await statesOf(script);
  const everything = walOn(clean);
  await everything.open();
  for (const call of script) await everything.append(call);
  await everything.close();
  for (let at = 0; at < clean.calls; at += 1) {
    const disk = new PowerLossDisk((call: Call) => (call.at === at ? 'error' : 'good'));
    const wal = walOn(disk);
    await wal.open();
    let acknowledged = 0;
    let failure: unknown = null;
    for (const call of script) {
      const met: unknown = await wal.append(call).then(
        () => null,
        (error: unknown) => error,
      );
      if (failure !== null) assert.equal(met, failure, `call ${at}: latched`);
      else if (met === null) acknowledged += 1;
      else failure = met;
      assert.ok(met === null || failed(met));
    }
    const closing: unknown = await wal.close().then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(failure !== null || closing !== null || acknowledged === script.length);
    // What was acknowledged is there for good, and nothing that was not asked for.
    const opened = walOn(disk.afterPowerLoss(allLost));
    const found = JSON.stringify({ ...(await opened.open()), cutBytes: 0 });
    await opened.close();
    const calls = states.findIndex((state) => JSON.stringify(state) === found);
    assert.ok(calls >= acknowledged && calls <= acknowledged + 1, `call ${at}: ${calls}`);
  }
});

test('a frame whose write failed, and that the cache still shows, is on disk before open returns it', async () => {
  let fail = false;
  const disk = new PowerLossDisk((call) => (fail && call.kind === 'write' ? 'error' : 'good'));
  const wal = walOn(disk, 64 * 1024);
  await wal.open();
  await wal.append([founding]);
  await new Promise((resolve) => setImmediate(resolve));
  fail = true;
  await assert.rejects(wal.append([command(1)]), failed);
  fail = false;
  // The process ended and started again; the kernel kept the page, marked clean.
  const after = disk.afterKill();
  const opened = walOn(after, 64 * 1024);
  assert.deepEqual((await opened.open()).entries, command(1).entries);
  const later = walOn(after.afterPowerLoss(allLost), 64 * 1024);
  assert.deepEqual((await later.open()).entries, command(1).entries);
});

test('a short write is continued to its end, and counts only then', async () => {
  const disk = new PowerLossDisk((call) => (call.kind === 'write' ? 'short' : 'good'));
  const wal = walOn(disk);
  await wal.open();
  for (const call of script) await wal.append(call);
  await wal.close();
  const again = walOn(disk.afterPowerLoss(allLost));
  const states = await statesOf(script);
  assert.deepEqual(await again.open(), states.at(-1));
  await again.close();
});

test('a disk that cannot hold a segment refuses the founding, and no log was begun', async () => {
  const base = await mkdtemp(join(tmpdir(), 'cometkms-wal-'));
  try {
    // A file stands where the directory should be made.
    await writeFile(join(base, 'data'), '');
    const wal = openWal({ directory: join(base, 'data', 'log'), segmentBytes: 64 * 1024 });
    await assert.rejects(wal.open(), ConsensusError);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
  const disk = new PowerLossDisk((call) => (call.kind === 'write' ? 'error' : 'good'));
  const wal = walOn(disk);
  await wal.open();
  await assert.rejects(wal.append([founding]), failed);
  assert.equal((await walOn(disk.afterKill()).open()).genesis, null);
});
