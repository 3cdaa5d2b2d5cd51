/**
 * The real log and the real watermark on the simulated disk: their suites, and histories that end anywhere. What was
 * acknowledged is there, what is there was asked for; where more than a crash befell the disk, the log may refuse.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsensusError, type LogBatch, type RecoveredStorage } from '@cometkms/consensus';
import { storageSuite } from '@cometkms/consensus/conformance';
import { WriteAheadLog } from '@cometkms/consensus/wal';
import type { RecordId } from '@cometkms/sign-state';
import { openWatermark, replaceFile, SignerError } from '@cometkms/signer';
import { durableFilesSuite } from '@cometkms/signer/conformance';
import type { DiskRates } from '../src/disk-faults.js';
import { Random } from '../src/random.js';
import { DiskWorld } from './disk-world.js';

const segmentBytes = 12 * 1024;

const worlds: readonly (readonly [name: string, rates: Partial<DiskRates>])[] = [
  ['a sound disk', {}],
  ['a disk that stalls and takes writes in parts', { stall: 0.05, shortWrite: 0.3 }],
  ['a disk that tears sectors', { zero: 0.2, garbage: 0.2 }],
];

for (const [name, rates] of worlds) {
  let seed = 0;
  storageSuite(name, {
    supports: { powerLoss: true },
    async place() {
      seed += 1;
      const world = new DiskWorld(seed, rates);
      world.keepRunning();
      return {
        storage: () => new WriteAheadLog(world.start().logFiles('data/wal'), { segmentBytes }),
        losePower: () => world.losePower(),
        dispose: async () => world.stop(),
      };
    },
  });
  // A mark is one write, and a part of it is an error.
  if (rates.shortWrite !== undefined) continue;
  durableFilesSuite(name, async () => {
    seed += 1;
    const world = new DiskWorld(seed, rates);
    world.keepRunning();
    return {
      files: () => world.start().durableFiles,
      path: (name) => `data/${name}`,
      losePower: () => world.losePower(),
      dispose: async () => world.stop(),
    };
  });
}

// ------------------------------------------------------------------------- histories of the log

const membership = {
  voters: [{ id: 'aa', name: 'a', address: 'a:1', witness: false }],
  learners: [],
};
const empty = new Uint8Array(0);
const founding: LogBatch = {
  genesis: { clusterId: 'cluster', self: 'aa', membership },
  snapshot: { index: 0, term: 0, membership, state: empty },
};

/** Call `number` appends entry `number`, of some hundred bytes to three blocks; each ninth is a snapshot besides. */
function callOf(number: number): LogBatch {
  const command = new Uint8Array(100 + ((number * 2711) % 9000)).fill(number);
  return {
    entries: [{ kind: 'command', index: number, term: 1, command }],
    ...(number % 9 === 0 && { snapshot: { index: number - 1, term: 1, membership, state: empty } }),
  };
}

/** How many calls are in what was read back, each as it was asked for. */
function callsIn({ genesis, snapshot, entries }: RecoveredStorage): number {
  if (genesis === null) return -1;
  const base = snapshot?.index ?? 0;
  entries.forEach((entry, at) => {
    assert.deepEqual(entry, callOf(base + 1 + at).entries?.[0]);
  });
  return base + entries.length;
}

interface Life {
  /** The number of the last call that was acknowledged; -1: not even the founding was. */
  acknowledged: number;
}

async function live(world: DiskWorld, life: Life): Promise<void> {
  const files = world.start().logFiles('data/wal');
  const log = new WriteAheadLog(files, { segmentBytes }, world.loop);
  const found = callsIn(await log.open());
  assert.ok(found >= life.acknowledged, `${life.acknowledged} acknowledged, ${found} found`);
  assert.ok(found <= life.acknowledged + 1, `${life.acknowledged} asked for, ${found} found`);
  // What was read may be told to others.
  life.acknowledged = found;
  for (;;) {
    const next = life.acknowledged + 1;
    await log.append([next === 0 ? founding : callOf(next)]);
    life.acknowledged = next;
  }
}

type Ended = 'cut off' | { readonly error: unknown };

/** Lives until an error, or for that many events. */
async function liveFor(world: DiskWorld, life: Life, events: number): Promise<Ended> {
  let ended: Ended = 'cut off';
  live(world, life).catch((error: unknown) => {
    ended = { error };
  });
  await world.goOn(events);
  return ended;
}

const refused = (ended: Ended): boolean =>
  ended !== 'cut off' &&
  ended.error instanceof ConsensusError &&
  ended.error.code === 'CONSENSUS_LOG_DAMAGED';

/** Life after life on one disk, until the log refuses. @returns whether it did */
async function lives(
  seed: number,
  rates: Partial<DiskRates>,
  between: (world: DiskWorld, random: Random) => void,
  may: (ended: Ended) => boolean,
): Promise<{ readonly refused: boolean; readonly acknowledged: number }> {
  const world = new DiskWorld(seed, rates);
  const random = new Random(seed, 'lives');
  const life: Life = { acknowledged: -1 };
  for (let round = 0; round < 20; round += 1) {
    // Short ones end while the log is opened, or just after it.
    const ended = await liveFor(world, life, random.between(1, random.pick([20, 40, 250])));
    if (ended !== 'cut off' && !may(ended)) throw ended.error;
    if (refused(ended)) return { refused: true, acknowledged: life.acknowledged };
    between(world, random);
  }
  return { refused: false, acknowledged: life.acknowledged };
}

const endSomehow = (world: DiskWorld, random: Random): void => {
  if (random.chance(0.5)) world.kill();
  else world.losePower();
};

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);

test('killed and without power at any moment, a log keeps what it acknowledged, and opens', async () => {
  let acknowledged = 0;
  for (const seed of seeds) {
    const end = await lives(seed, { stall: 0.01, shortWrite: 0.05 }, endSomehow, () => false);
    acknowledged += end.acknowledged;
  }
  assert.ok(acknowledged > 1000, `${acknowledged} calls in all`);
});

test('where the power tears sectors the log may refuse; it never gives less than it acknowledged', async () => {
  let refusals = 0;
  for (const seed of seeds) {
    const end = await lives(seed, { zero: 0.1, garbage: 0.1 }, endSomehow, refused);
    refusals += end.refused ? 1 : 0;
  }
  assert.ok(refusals > 0 && refusals < seeds.length, `${refusals} refusals`);
});

test('after errors and lying syncs, what was acknowledged is there, or the log refuses', async () => {
  const failed = (ended: Ended): boolean =>
    ended !== 'cut off' &&
    ended.error instanceof ConsensusError &&
    ended.error.code.startsWith('CONSENSUS_LOG_');
  let acknowledged = 0;
  const rates = { readError: 0.01, writeError: 0.02, syncError: 0.05 };
  for (const seed of seeds) {
    acknowledged += (await lives(seed, rates, endSomehow, failed)).acknowledged;
  }
  assert.ok(acknowledged > 500, `${acknowledged} calls in all`);
});

test('a full disk fails the log before it acknowledges; with room again all is there', async () => {
  let full = 0;
  for (const seed of seeds.slice(0, 20)) {
    const outOfSpace = (ended: Ended): boolean => {
      const met = ended !== 'cut off' && String(ended.error).includes('ENOSPC');
      full += met ? 1 : 0;
      return met;
    };
    await lives(
      seed,
      {},
      (world, random) => {
        endSomehow(world, random);
        world.disk.capacityBytes = random.pick([10_000, 30_000, Number.POSITIVE_INFINITY]);
      },
      outOfSpace,
    );
  }
  assert.ok(full > 10, `${full} times full`);
});

test('a bit that flips at rest is refused or does not matter', async () => {
  let refusals = 0;
  for (const seed of seeds) {
    const end = await lives(
      seed,
      {},
      (world) => {
        world.losePower();
        world.disk.flipBit((path) => path.startsWith('data/wal/'));
      },
      refused,
    );
    refusals += end.refused ? 1 : 0;
  }
  assert.ok(refusals > seeds.length / 2, `${refusals} refusals`);
});

test('a write that landed elsewhere is never read as another record', async () => {
  let refusals = 0;
  for (const seed of seeds) {
    const world = new DiskWorld(seed);
    const life: Life = { acknowledged: -1 };
    await liveFor(world, life, 200);
    world.disk.rates = { ...world.disk.rates, misdirected: 0.05 };
    await liveFor(world, life, 100);
    world.losePower();
    const log = new WriteAheadLog(world.start().logFiles('data/wal'), { segmentBytes });
    const opened = await world.until(
      log.open().then(
        (recovered) => ({ recovered }),
        (error: unknown) => ({ error }),
      ),
    );
    // What landed elsewhere at the very end is lost, if the note was not yet on the disk: no log can know.
    if ('recovered' in opened) callsIn(opened.recovered);
    else {
      assert.ok(refused(opened), String(opened.error));
      refusals += 1;
    }
  }
  assert.ok(refusals > 0, `${refusals} refusals`);
});

test('an old copy gives what was acknowledged when it was made, or a call more', async () => {
  for (const seed of seeds) {
    const world = new DiskWorld(seed);
    const life: Life = { acknowledged: -1 };
    await liveFor(world, life, 20 + seed * 3);
    const before = life.acknowledged;
    const image = world.disk.snapshot();
    await world.goOn(300);
    assert.ok(life.acknowledged > before + 5);
    world.kill();
    world.disk.restore(image);
    const log = new WriteAheadLog(world.start().logFiles('data/wal'), { segmentBytes });
    const found = callsIn(await world.until(log.open()));
    assert.ok(found === before || found === before + 1, `${before} then, ${found} found`);
  }
});

// ------------------------------------------------------------ histories of the signer's files

const id: RecordId = { chainId: 'test-1', key: { type: 'ed25519', bytes: new Uint8Array(32) } };

async function raiseForEver(world: DiskWorld, life: Life): Promise<void> {
  const edges = { files: world.start().durableFiles, nowMs: () => world.loop.nowMs() };
  const opened = await openWatermark('data/watermark', id, edges);
  if (opened.kind === 'lost') {
    // Never after it was once there, not even where sectors of one slot are garbage.
    assert.equal(life.acknowledged, -1);
    assert.equal(opened.reason, 'missing');
  }
  const watermark = opened.kind === 'lost' ? await opened.rebuild(null) : opened.watermark;
  const found = Number(watermark.current()?.hrs.height ?? 0n);
  const { acknowledged } = life;
  assert.ok(found === acknowledged || found === acknowledged + 1, `${acknowledged}, ${found}`);
  life.acknowledged = found;
  for (;;) {
    const hrs = { height: BigInt(life.acknowledged + 1), round: 0, step: 1 } as const;
    assert.equal((await watermark.raise(hrs, new Uint8Array(3))).kind, 'raised');
    life.acknowledged += 1;
  }
}

/** @returns the marks told in all lives of one disk */
async function marks(
  seed: number,
  rates: Partial<DiskRates>,
  may: (error: unknown) => boolean,
): Promise<number> {
  const world = new DiskWorld(seed, rates);
  const random = new Random(seed, 'lives');
  const life: Life = { acknowledged: -1 };
  for (let round = 0; round < 10; round += 1) {
    let failure: unknown = null;
    raiseForEver(world, life).catch((error: unknown) => {
      failure = error;
    });
    await world.goOn(random.between(1, 40));
    if (failure !== null && !may(failure)) throw failure;
    endSomehow(world, random);
  }
  return Math.max(0, life.acknowledged);
}

test('a watermark keeps each mark that it told, whatever power and processes do', async () => {
  let raised = 0;
  for (const seed of seeds) raised += await marks(seed, { zero: 0.1, garbage: 0.2 }, () => false);
  assert.ok(raised > 1000, `${raised} marks`);
});

test('after errors and lying syncs too', async () => {
  const failed = (error: unknown): boolean =>
    error instanceof SignerError &&
    ['SIGNER_WATERMARK_FAILED', 'SIGNER_FILE_FAILED'].includes(error.code);
  const rates = { readError: 0.02, writeError: 0.05, syncError: 0.1 };
  let raised = 0;
  for (const seed of seeds) raised += await marks(seed, rates, failed);
  assert.ok(raised > 300, `${raised} marks`);
});

test('a file that is being replaced is the old one or the new one, and the new one once that was told', async () => {
  const seen = new Set<string>();
  for (const seed of Array.from({ length: 400 }, (_, at) => at)) {
    const world = new DiskWorld(seed, {
      zero: 0.2,
      garbage: 0.2,
      syncError: seed % 5 === 0 ? 0.2 : 0,
    });
    const random = new Random(seed, 'lives');
    const path = 'priv/state.json';
    let told = 0;
    let asked = 0;
    let failed = false;
    const { durableFiles } = world.start();
    const write = async (): Promise<void> => {
      for (asked = 1; ; asked += 1) {
        await replaceFile(path, Buffer.alloc(900, asked), durableFiles);
        told = asked;
      }
    };
    write().catch((error: unknown) => {
      assert.ok(error instanceof SignerError, String(error));
      failed = true;
    });
    await world.goOn(random.between(1, 60));
    endSomehow(world, random);
    const read = await world.until(world.start().durableFiles.read(path));
    const found = read?.bytes[0] ?? 0;
    assert.ok(read === null || read.bytes.equals(Buffer.alloc(900, found)), `seed ${seed}: mixed`);
    assert.ok(found === told || found === asked, `seed ${seed}: ${told} told, ${found} found`);
    seen.add(failed ? 'failed' : found === told ? 'told' : 'asked');
  }
  assert.deepEqual([...seen].sort(), ['asked', 'failed', 'told']);
});
