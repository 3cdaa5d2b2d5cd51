/**
 * The power fails during each single call that the log makes to its disk, while it is founded, appends,
 * goes from segment to segment, and while it recovers. What was acknowledged is there, what is there was
 * asked for, and what `open` has once returned is there for good. Recovery never refuses after a mere crash.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecoveredStorage } from '../src/storage.js';
import { command, founding, script, statesOf, walOn } from './log-samples.js';
import { allKept, allLost, drawn, type Fate, type Luck, PowerLossDisk } from './power-loss-disk.js';

const crashAt =
  (at: number) =>
  (call: { readonly at: number }): Fate =>
    call.at === at ? 'crash' : 'good';

const SEEDS = [1, 2];

/** Each way in which a machine or a process may end. */
const endings: readonly (readonly [string, (disk: PowerLossDisk) => PowerLossDisk])[] = [
  ['power lost, nothing unsynced kept', (disk) => disk.afterPowerLoss(allLost)],
  ['power lost, all kept', (disk) => disk.afterPowerLoss(allKept)],
  ...SEEDS.map(
    (seed) =>
      [
        `power lost, seed ${seed}`,
        (disk: PowerLossDisk) => disk.afterPowerLoss(drawn(seed)),
      ] as const,
  ),
  ['process killed', (disk) => disk.afterKill()],
];

/** Runs the script until the disk fails; how many calls were acknowledged. */
async function runUntilCrash(disk: PowerLossDisk): Promise<number> {
  let acknowledged = 0;
  try {
    const wal = walOn(disk);
    await wal.open();
    for (const call of script) {
      await wal.append(call);
      acknowledged += 1;
    }
    await wal.close();
  } catch {
    // The power is off; what counts is what the disk holds.
  }
  return acknowledged;
}

async function openOn(disk: PowerLossDisk): Promise<RecoveredStorage> {
  const wal = walOn(disk);
  const found = await wal.open();
  await wal.close();
  return { ...found, cutBytes: 0 };
}

/** Which number of calls `found` is the sum of. */
function callsIn(
  found: RecoveredStorage,
  states: readonly RecoveredStorage[],
  least: number,
): number {
  const text = JSON.stringify(found);
  const calls = states.findIndex((state, at) => at >= least && JSON.stringify(state) === text);
  assert.ok(calls >= 0, `at least ${least} calls were acknowledged, found ${text}`);
  return calls;
}

const states = await statesOf(script);
const clean = new PowerLossDisk();
assert.equal(await runUntilCrash(clean), script.length);
const calls = clean.calls;

test(`power lost or process killed during each of the ${calls} calls to the disk`, async () => {
  const seen = new Set<number>();
  for (let at = 0; at < calls; at += 1) {
    for (const [ending, end] of endings) {
      const disk = new PowerLossDisk(crashAt(at));
      const acknowledged = await runUntilCrash(disk);
      const after = end(disk);
      const why = `call ${at}, ${ending}`;
      const found = callsIn(await openOn(after), states, acknowledged);
      assert.ok(found <= acknowledged + 1, `${why}: ${found} of ${acknowledged}`);
      seen.add(found - acknowledged);
      // It goes on from there, and the end of the script is reached.
      const wal = walOn(after);
      await wal.open();
      for (const call of script.slice(found)) await wal.append(call);
      await wal.close();
      assert.equal(callsIn(await openOn(after), states, 0), script.length, why);
    }
  }
  // Both ends of the interval occur, or the test has not crashed in the midst of anything.
  assert.deepEqual([...seen].sort(), [0, 1]);
});

test('the power fails again during each call that recovery makes', async () => {
  const luckOf = (seed: number): Luck => drawn(seed * 7919 + 1);
  for (let at = 0; at < calls; at += 3) {
    for (const [ending, end] of endings.slice(2)) {
      const disk = new PowerLossDisk(crashAt(at));
      const acknowledged = await runUntilCrash(disk);
      const crashed = end(disk);
      for (let second = 0; second < 40; second += 1) {
        const again = crashed.afterKill(crashAt(second));
        const result = await openOn(again).then(
          () => true,
          () => false,
        );
        const after = again.afterPowerLoss(luckOf(second));
        callsIn(await openOn(after), states, acknowledged);
        if (result) break;
        assert.ok(second < 39, `call ${at}, ${ending}: recovery ends`);
      }
    }
  }
});

test('what open has returned is there for good, also when it stood in the cache alone', async () => {
  for (let at = 0; at < calls; at += 1) {
    for (const [ending, end] of endings) {
      const disk = new PowerLossDisk(crashAt(at));
      await runUntilCrash(disk);
      const after = end(disk);
      const returned = JSON.stringify({ ...(await walOn(after).open()), cutBytes: 0 });
      const later = await openOn(after.afterPowerLoss(allLost));
      assert.equal(JSON.stringify(later), returned, `call ${at}, ${ending}`);
    }
  }
});

/** A frame of three blocks that was torn, with what was written of it. */
async function tornDisk(luck: Luck): Promise<PowerLossDisk> {
  const long = [founding, command(1, 1, 'x'.repeat(9000))];
  let writes = 0;
  const disk = new PowerLossDisk((call) => {
    if (call.kind !== 'write' || call.name !== '0000000001.wal.new') return 'good';
    writes += 1;
    // Zeros, head, the founding frame, and then the frame under test.
    return writes === 4 ? 'crash' : 'good';
  });
  const wal = walOn(disk, 64 * 1024);
  await wal.open();
  await wal.append([founding]);
  await assert.rejects(wal.append(long.slice(1)));
  return disk.afterPowerLoss(luck);
}

test('a torn frame is made blank before a shorter one is written over its beginning', async () => {
  let cuts = 0;
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const disk = await tornDisk(drawn(seed));
    const wal = walOn(disk, 64 * 1024);
    const found = await wal.open();
    assert.deepEqual(found.genesis, founding.genesis);
    assert.deepEqual(found.entries, []);
    cuts += found.cutBytes > 0 ? 1 : 0;
    await wal.append([command(1, 2, 'short')]);
    await wal.close();
    const again = walOn(disk.afterPowerLoss(allLost), 64 * 1024);
    assert.deepEqual((await again.open()).entries, command(1, 2, 'short').entries);
    await again.close();
  }
  assert.ok(cuts >= 6, `${cuts} of 8 were cut`);
});

test('a blanking that was cut short by a kill is on disk before anything is written over it', async () => {
  for (const seed of [1, 2, 3, 4]) {
    for (let at = 0; at < 12; at += 1) {
      const disk = await tornDisk(drawn(seed));
      const killed = disk.afterKill(crashAt(at));
      await walOn(killed, 64 * 1024)
        .open()
        .catch(String);
      const next = killed.afterKill();
      const wal = walOn(next, 64 * 1024);
      await wal.open();
      await wal.append([command(1, 2, 'short')]);
      const again = walOn(next.afterPowerLoss(allLost), 64 * 1024);
      assert.deepEqual((await again.open()).entries, command(1, 2, 'short').entries);
      await again.close();
    }
  }
});

test('a log is founded only after its segment has its name for good', async () => {
  const disk = new PowerLossDisk();
  const wal = walOn(disk);
  await wal.open();
  await wal.append([founding]);
  const after = disk.afterPowerLoss(allLost);
  assert.deepEqual((await openOn(after)).genesis, founding.genesis);
});

test('segments that are not needed, and unfinished ones, are removed when the log is opened', async () => {
  const disk = new PowerLossDisk();
  await runUntilCrash(disk);
  const expected = disk.names();
  const old = disk.contents(expected[0] ?? '');
  assert.ok(old !== null);
  disk.place('0000000001.wal', Buffer.from(old));
  disk.place('0000000099.wal.new', Buffer.alloc(100));
  disk.place('lost+found', Buffer.from('not ours'));
  await openOn(disk);
  assert.deepEqual(disk.names(), [...expected, 'lost+found'].sort());
});
