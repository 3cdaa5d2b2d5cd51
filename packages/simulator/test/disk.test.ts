/** Each fault of the simulated disk: it can happen, and is what the head of disk.ts says; and one seed, one disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogFile, LogFiles } from '@cometkms/consensus/wal';
import type { DiskEvent, DiskRates } from '../src/disk-faults.js';
import { Random } from '../src/random.js';
import { DiskWorld } from './disk-world.js';

const sector = 512;
const blockOf = (value: number, sectors = 8): Buffer => Buffer.alloc(sectors * sector, value);

/** A file of eight sectors of ones, synced with its name; opened anew. */
async function prepared(world: DiskWorld, durable: boolean): Promise<[LogFiles, LogFile]> {
  const files = world.start().logFiles('d');
  const file = await world.until(files.open('file', { content: 'replace', durable: true }));
  await world.until(file.write(blockOf(1), 0));
  await world.until(files.syncDirectory());
  return [files, await world.until(files.open('file', { content: 'existing', durable }))];
}

const contents = (world: DiskWorld): Buffer => {
  const bytes = world.disk.contents('d/file');
  assert.ok(bytes !== null);
  return bytes;
};

/** One letter for each sector: the byte that fills it, or `?`. */
const sight = (bytes: Buffer): string =>
  Array.from({ length: Math.ceil(bytes.length / sector) }, (_, at) => {
    const part = bytes.subarray(at * sector, (at + 1) * sector);
    return part.every((byte) => byte === part[0]) ? String(part[0]) : '?';
  }).join('');

const seeds = Array.from({ length: 200 }, (_, at) => at + 1);

/** What the worlds of many seeds come to. */
async function sights(
  rates: Partial<DiskRates>,
  body: (world: DiskWorld) => Promise<string>,
): Promise<Set<string>> {
  const seen = new Set<string>();
  for (const seed of seeds) seen.add(await body(new DiskWorld(seed, rates)));
  return seen;
}

const faultsOf = (world: DiskWorld): string[] =>
  world.events.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));

// ------------------------------------------------------------------------------ power and kill

test('a kill keeps what was written and not synced; what was synced outlives the power too', async () => {
  const world = new DiskWorld(1);
  const [, file] = await prepared(world, false);
  await world.until(file.write(blockOf(2), 0));
  world.kill();
  assert.equal(sight(contents(world)), '22222222');
  const files = world.start().logFiles('d');
  const again = await world.until(files.open('file', { content: 'existing', durable: false }));
  await world.until(again.sync());
  world.losePower();
  assert.equal(sight(contents(world)), '22222222');
});

test('without power each sector that was not synced is old or new, on its own', async () => {
  const seen = await sights({}, async (world) => {
    const [, file] = await prepared(world, false);
    await world.until(file.write(blockOf(2), 0));
    world.losePower();
    return sight(contents(world));
  });
  assert.ok(seen.has('11111111') && seen.has('22222222'), 'all lost, all kept');
  assert.ok(seen.size > 40, `${seen.size} mixtures`);
  for (const each of seen) assert.match(each, /^[12]{8}$/);
});

test('it may also be zero, garbage or shorn; what was synced, or written as it was, never', async () => {
  const seen = await sights({ zero: 0.3, garbage: 0.3 }, async (world) => {
    const [, file] = await prepared(world, false);
    await world.until(file.write(blockOf(1, 2), 0));
    await world.until(file.write(blockOf(2, 2), 2 * sector));
    world.losePower();
    return sight(contents(world));
  });
  for (const each of seen) assert.match(each, /^11[012?]{2}1111$/);
  for (const fate of ['0', '1', '2', '?']) {
    assert.ok(
      [...seen].some((each) => each[2] === fate),
      fate,
    );
  }
});

test('a sector that was written twice may be any of its versions', async () => {
  const seen = await sights({}, async (world) => {
    const [, file] = await prepared(world, false);
    for (const value of [2, 3]) await world.until(file.write(blockOf(value, 1), 0));
    world.losePower();
    return sight(contents(world)).slice(0, 1);
  });
  assert.deepEqual([...seen].sort(), ['1', '2', '3']);
});

for (const end of ['kill', 'losePower'] as const) {
  test(`a write under way at ${end} happened or not, sector by sector; a synced one may be lost`, async () => {
    const seen = await sights({}, async (world) => {
      const [, file] = await prepared(world, true);
      void file.write(blockOf(2), 0);
      world[end]();
      const found = sight(contents(world));
      // After a kill what is seen may stand in the cache alone.
      world.start();
      world.losePower();
      assert.match(sight(contents(world)), /^[12]{8}$/);
      return found;
    });
    assert.ok(seen.has('11111111') && seen.has('22222222') && seen.size > 20);
    for (const each of seen) assert.match(each, /^[12]{8}$/);
  });
}

test('lengths are old or new; a file that is longer than its sectors shows zeros', async () => {
  const seen = await sights({}, async (world) => {
    const [, file] = await prepared(world, false);
    await world.until(file.write(blockOf(2, 2), 8 * sector));
    world.losePower();
    return sight(contents(world)).slice(8);
  });
  assert.deepEqual([...seen].sort(), ['', '00', '02', '20', '22']);
});

test('what stood behind the end does not come back when the file grows again', async () => {
  await sights({}, async (world) => {
    const [, file] = await prepared(world, false);
    await world.until(file.write(Buffer.alloc(100, 2), 8 * sector));
    world.losePower();
    const length = contents(world).length;
    const files = world.start().logFiles('d');
    const again = await world.until(files.open('file', { content: 'existing', durable: true }));
    await world.until(again.write(Buffer.alloc(1, 3), 12 * sector));
    const found = contents(world).subarray(length, 12 * sector);
    assert.ok(found.every((byte) => byte === 0));
    return '';
  });
});

test('names are old or new until their directory is synced, and a rename is whole', async () => {
  const seen = await sights({}, async (world) => {
    const [files] = await prepared(world, false);
    const options = { content: 'replace', durable: true } as const;
    const other = await world.until(files.open('new', options));
    await world.until(other.write(blockOf(2), 0));
    await world.until(files.rename('new', 'file'));
    world.losePower();
    return `${world.disk.paths().join()} ${sight(contents(world))}`;
  });
  assert.deepEqual([...seen].sort(), [
    'd/file 11111111',
    'd/file 22222222',
    'd/file,d/new 11111111',
  ]);
  const world = new DiskWorld(1);
  const [files] = await prepared(world, false);
  await world.until(files.remove('file'));
  await world.until(files.syncDirectory());
  world.losePower();
  assert.deepEqual(world.disk.paths(), []);
});

test('a file of that was removed lives on for who has it open, and nowhere else', async () => {
  const world = new DiskWorld(1);
  const [files, file] = await prepared(world, true);
  await world.until(files.remove('file'));
  assert.equal(await world.until(file.write(blockOf(2), 0)), 8 * sector);
  assert.equal(await world.until(files.read('file')), null);
});

test('what a dead process asks for does not happen, and has no end', async () => {
  const world = new DiskWorld(1);
  const [files, file] = await prepared(world, true);
  world.kill();
  let ended = false;
  for (const asked of [file.write(blockOf(2), 0), files.remove('file'), files.list()]) {
    void asked.finally(() => {
      ended = true;
    });
  }
  await world.goOn(100);
  assert.equal(ended, false);
  assert.equal(sight(contents(world)), '11111111');
});

// --------------------------------------------------------------------------------------- faults

test('after an error at a sync the next one says success, and what waited is lost or not', async () => {
  const seen = await sights({}, async (world) => {
    const [, file] = await prepared(world, false);
    await world.until(file.write(blockOf(2), 0));
    world.disk.rates = { ...world.disk.rates, syncError: 1 };
    await assert.rejects(world.until(file.sync()), { code: 'EIO' });
    world.disk.rates = { ...world.disk.rates, syncError: 0 };
    await world.until(file.sync());
    const before = sight(contents(world));
    world.losePower();
    return `${before === '22222222' ? 'shown' : 'dropped'} ${sight(contents(world))}`;
  });
  assert.ok(
    [...seen].some((each) => /shown .*1/.test(each)),
    'shown, and lost',
  );
  assert.ok([...seen].some((each) => each.startsWith('dropped')));
});

test('after an error at a synced write too; a name whose sync failed stays in doubt, and nothing can be changed any more', async () => {
  const seen = await sights({}, async (world) => {
    const [files, file] = await prepared(world, true);
    await world.until(files.rename('file', 'other'));
    world.disk.rates = { ...world.disk.rates, writeError: 1, syncError: 1 };
    await assert.rejects(world.until(file.write(blockOf(2), 0)), { code: 'EIO' });
    await assert.rejects(world.until(files.syncDirectory()), { code: 'EIO' });
    world.disk.rates = { ...world.disk.rates, writeError: 0, syncError: 0 };
    await assert.rejects(world.until(file.sync()), { code: 'EROFS' });
    await assert.rejects(world.until(files.syncDirectory()), { code: 'EROFS' });
    await assert.rejects(world.until(files.remove('other')), { code: 'EROFS' });
    const refused = Array.from({ length: 3 }, () => 'readOnly');
    assert.deepEqual(faultsOf(world), ['writeError', 'syncError', ...refused]);
    world.losePower();
    assert.ok(!world.disk.isReadOnly);
    const [path = ''] = world.disk.paths();
    return `${path} ${sight(world.disk.contents(path) ?? blockOf(9))}`;
  });
  assert.ok([...seen].some((each) => /file .*1/.test(each)));
  assert.ok([...seen].some((each) => /other .*1/.test(each)));
});

test('a read fails', async () => {
  const world = new DiskWorld(1);
  const [files] = await prepared(world, true);
  world.disk.rates = { ...world.disk.rates, readError: 1 };
  await assert.rejects(world.until(files.read('file')), { code: 'EIO' });
  const plain = world.start().durableFiles.read('d/file');
  await assert.rejects(world.until(plain), { code: 'SIGNER_FILE_FAILED' });
});

test('a short write ends at the edge of a sector, and can be continued', async () => {
  const taken = await sights({ shortWrite: 1 }, async (world) => {
    const [, file] = await prepared(world, true);
    const first = await world.until(file.write(blockOf(2), 0));
    assert.ok(first < 8 * sector && first % sector === 0);
    const second = await world.until(file.write(blockOf(3, 1), 100));
    assert.equal(second, sector - 100);
    const third = await world.until(file.write(blockOf(4, 1).subarray(0, 50), 0));
    assert.ok(third >= 1 && third < 50);
    return String(first / sector);
  });
  assert.deepEqual([...taken].sort(), ['1', '2', '3', '4', '5', '6', '7']);
});

test('a sector where a short write ended is shorn once nobody goes on there', async () => {
  const shorn = async (
    end: (world: DiskWorld, rest: () => Promise<unknown>) => Promise<unknown>,
  ): Promise<readonly string[]> => {
    const world = new DiskWorld(1);
    const [, file] = await prepared(world, true);
    world.disk.rates = { ...world.disk.rates, shortWrite: 1 };
    const length = await world.until(file.write(blockOf(2, 1), 0));
    world.disk.rates = { ...world.disk.rates, shortWrite: 0 };
    await end(world, () => world.until(file.write(blockOf(2, 1).subarray(length), length)));
    world.losePower();
    return faultsOf(world);
  };
  assert.deepEqual(await shorn((_, rest) => rest()), ['shortWrite']);
  assert.deepEqual(await shorn(async (world) => world.kill()), ['shortWrite', 'shorn']);
  assert.deepEqual(await shorn(async () => {}), ['shortWrite', 'shorn']);
  const failing = (world: DiskWorld, rest: () => Promise<unknown>): Promise<void> => {
    world.disk.rates = { ...world.disk.rates, writeError: 1 };
    return assert.rejects(rest(), { code: 'EIO' });
  };
  assert.deepEqual(await shorn(failing), ['shortWrite', 'shorn', 'writeError']);
  const shortAndFailing = new DiskWorld(1);
  const [, file] = await prepared(shortAndFailing, true);
  shortAndFailing.disk.rates = { ...shortAndFailing.disk.rates, shortWrite: 1, writeError: 1 };
  const writing = shortAndFailing.until(file.write(blockOf(2, 1), 0));
  await assert.rejects(writing, { code: 'EIO' });
  assert.deepEqual(faultsOf(shortAndFailing), ['shortWrite', 'shorn', 'writeError']);
});

test('a full disk takes what fits, then nothing new; what is there can be written', async () => {
  const world = new DiskWorld(1);
  const [files, file] = await prepared(world, true);
  world.disk.capacityBytes = 10 * sector + 100;
  assert.equal(await world.until(file.write(blockOf(2), 6 * sector)), 4 * sector);
  await assert.rejects(world.until(file.write(blockOf(3), 10 * sector)), { code: 'ENOSPC' });
  world.disk.capacityBytes = 0;
  assert.equal(await world.until(file.write(blockOf(4), 0)), 8 * sector);
  const opening = files.open('more', { content: 'keep', durable: false });
  await assert.rejects(world.until(opening), { code: 'ENOSPC' });
  assert.equal(sight(contents(world)), '4444444422');
});

test('calls take their time, some of them seconds, and all while the disk hangs', async () => {
  const world = new DiskWorld(1, { stall: 0.2 });
  const [, file] = await prepared(world, true);
  const took: number[] = [];
  const timed = async (): Promise<void> => {
    const begun = world.timeline.now;
    await world.until(file.write(blockOf(2), 0));
    took.push(world.timeline.now - begun);
  };
  for (let count = 0; count < 300; count += 1) await timed();
  took.sort((x, y) => x - y);
  assert.ok((took[150] ?? 9) < 1 && (took[0] ?? 0) > 0, String(took[150]));
  assert.ok((took[299] ?? 0) > 1000 && (took[299] ?? 0) < 10_100, String(took[299]));
  world.disk.rates = { ...world.disk.rates, stall: 0 };
  world.disk.hang(5000);
  await timed();
  assert.ok((took.at(-1) ?? 0) >= 5000 && (took.at(-1) ?? 0) < 5001, String(took.at(-1)));
});

test('a misdirected write is shown where it was meant, and stands elsewhere or nowhere', async () => {
  const where = await sights({}, async (world) => {
    const [files, file] = await prepared(world, true);
    const other = await world.until(files.open('other', { content: 'replace', durable: true }));
    await world.until(other.write(blockOf(5), 0));
    await world.until(files.syncDirectory());
    world.disk.rates = { ...world.disk.rates, misdirected: 1 };
    await world.until(file.write(blockOf(2, 1), 0));
    assert.equal(sight(contents(world))[0], '2');
    world.losePower();
    const there = sight(world.disk.contents('d/other') ?? blockOf(9));
    return `${sight(contents(world))} ${there}`;
  });
  assert.ok(where.has('11111111 55555555'), 'lost');
  assert.ok(where.has('11111111 55255555'), 'in another file');
  assert.ok(where.has('11121111 55555555'), 'in another place of the file');
});

test('one bit flips, anywhere, also where nothing was ever written', async () => {
  const flipped = new Set<number>();
  for (const seed of seeds) {
    const world = new DiskWorld(seed);
    const [files] = await prepared(world, true);
    const blank = await world.until(files.open('blank', { content: 'replace', durable: true }));
    await world.until(blank.write(blockOf(0), 0));
    assert.equal(
      world.disk.flipBit((path) => path === 'd/blank'),
      'd/blank',
    );
    const bytes = world.disk.contents('d/blank') ?? blockOf(9);
    const bits = [...bytes].flatMap((byte, at) => (byte === 0 ? [] : [[at, byte] as const]));
    assert.equal(bits.length, 1);
    const [[at, byte] = [0, 0]] = bits;
    assert.equal(byte & (byte - 1), 0, 'a single bit');
    flipped.add(at);
    assert.equal(sight(contents(world)), '11111111');
  }
  assert.ok(flipped.size > 180);
  assert.equal(new DiskWorld(1).disk.flipBit(), null);
});

test('an old copy of the whole disk is put back, as often as one likes; a clone goes its own way', async () => {
  const world = new DiskWorld(1);
  const [files, file] = await prepared(world, true);
  const image = world.disk.snapshot();
  await world.until(file.write(blockOf(2), 0));
  const clone = world.disk.clone({ timeline: world.timeline, random: new Random(9) });
  await world.until(files.remove('file'));
  await world.until(files.syncDirectory());
  for (let round = 0; round < 2; round += 1) {
    world.kill();
    world.disk.restore(image);
    assert.equal(sight(contents(world)), '11111111');
    const again = world.start().logFiles('d');
    const opened = await world.until(again.open('file', { content: 'existing', durable: true }));
    await world.until(opened.write(blockOf(3), 0));
  }
  assert.equal(sight(clone.contents('d/file') ?? blockOf(9)), '22222222');
});

test('a copy made under a running process is as after a loss of power, and leaves it in peace', async () => {
  const seen = await sights({}, async (world) => {
    const [, file] = await prepared(world, false);
    await world.until(file.write(blockOf(2, 4), 0));
    const writing = file.write(blockOf(3, 4), 4 * sector);
    const image = world.disk.snapshot();
    await world.until(writing);
    assert.equal(sight(contents(world)), '22223333');
    world.kill();
    world.disk.restore(image);
    return sight(contents(world));
  });
  assert.ok(seen.size > 40);
  for (const each of seen) assert.match(each, /^[12]{4}[13]{4}$/);
});

// --------------------------------------------------------------------------------------- others

test('the same seed gives the same bytes, times and events; another one others', async () => {
  const history = async (seed: number): Promise<string> => {
    const rates = { stall: 0.05, zero: 0.1, garbage: 0.1, shortWrite: 0.1, misdirected: 0.05 };
    const world = new DiskWorld(seed, rates);
    const seen: string[] = [];
    for (let life = 0; life < 4; life += 1) {
      const files = world.start().logFiles('d');
      const file = await world.until(
        files.open('file', { content: 'keep', durable: life % 2 > 0 }),
      );
      await world.until(files.syncDirectory());
      for (let count = 0; count < 20; count += 1) {
        await world.until(file.write(blockOf(count, 3), count * 700));
      }
      void file.write(blockOf(99), 0);
      world.losePower();
      seen.push(
        world.disk.contents('d/file')?.toString('base64') ?? '',
        String(world.timeline.now),
      );
    }
    return JSON.stringify([seen, world.events]);
  };
  assert.equal(await history(7), await history(7));
  assert.notEqual(await history(7), await history(8));
});

test('an observer hears of each change that was made durable', async () => {
  const world = new DiskWorld(1);
  const [files, file] = await prepared(world, false);
  await world.until(file.write(blockOf(2, 2), 0));
  await world.until(file.sync());
  await world.until(files.rename('file', 'other'));
  await world.until(files.syncDirectory());
  const expected: DiskEvent[] = [
    { kind: 'written', path: 'd/file', at: 0, bytes: 8 * sector },
    { kind: 'named', call: { kind: 'create', path: 'd/file' } },
    { kind: 'synced', path: 'd/file', sectors: 2 },
    { kind: 'named', call: { kind: 'rename', from: 'd/file', to: 'd/other' } },
  ];
  assert.deepEqual(world.events, expected);
});
