/**
 * The journal on a real disk: what is appended is found again, and what it does with damage.
 *
 * Owns    the promise that nothing of this ever reaches the caller of `append`.
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Level } from 'level';
import { Journal, type JournalEntry, type JournalOptions } from '../src/journal/index.js';
import { entry } from './example-entry.js';
import { hub } from './example-status.js';

/** Long enough for every disk; a test that needs it has failed. */
const patienceMs = 60_000;

async function dataDirectory(t: TestContext): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'cmkms-journal-'));
  t.after(() => rm(data, { recursive: true, force: true }));
  return data;
}

interface Watched {
  readonly journal: Journal;
  readonly logged: string[];
  /** Resolves once the event was logged. */
  said(event: string): Promise<void>;
}

function journalIn(data: string, options: Partial<JournalOptions> = {}): Watched {
  const logged: string[] = [];
  const lines = new EventEmitter();
  const journal = new Journal({
    directory: join(data, 'journal'),
    log: (event) => {
      logged.push(event);
      lines.emit(event);
    },
    ...options,
  });
  const said = async (event: string): Promise<void> => {
    // The journal's own timers keep no process alive.
    const alive = setTimeout(() => undefined, patienceMs);
    if (!logged.includes(event)) await once(lines, event);
    clearTimeout(alive);
  };
  return { journal, logged, said };
}

/** Writes entries of these heights and closes. */
async function write(data: string, heights: readonly number[]): Promise<Watched> {
  const watched = journalIn(data);
  for (const height of heights)
    watched.journal.append(entry({ height: BigInt(height), at: height }));
  await watched.journal.close(patienceMs);
  return watched;
}

const always = { by: 'time', from: 0, to: 1e14 } as const;
const heights = (entries: readonly JournalEntry[]): number[] =>
  entries.map((each) => Number(each.height));
const upTo = (n: number): number[] => Array.from({ length: n }, (_, place) => place);

test('what was appended is found after a restart, by time and by height', async (t) => {
  const data = await dataDirectory(t);
  await write(data, [3, 1, 2]);
  await write(data, [9, 4]);
  const { journal } = journalIn(data);
  t.after(() => journal.close(patienceMs));
  assert.deepEqual(heights(await journal.readRange(always)), [1, 2, 3, 4, 9]);
  assert.deepEqual(heights(await journal.readRange({ by: 'time', from: 2, to: 4 })), [2, 3]);
  const range = { by: 'height', chain: hub, from: 2n, to: 4n } as const;
  assert.deepEqual(heights(await journal.readRange(range)), [2, 3, 4]);
  assert.deepEqual(heights(await journal.readRange(always, 2)), [1, 2]);
  const other = { ...range, chain: { ...hub, chainId: 'osmosis-1' } };
  assert.deepEqual(await journal.readRange(other), []);
});

test('it can be read while it is written', async (t) => {
  const { journal } = journalIn(await dataDirectory(t));
  t.after(() => journal.close(patienceMs));
  journal.append(entry({ height: 1n }));
  assert.deepEqual(heights(await journal.readRange(always)), [1]);
  journal.append(entry({ height: 2n }));
  assert.deepEqual(heights(await journal.readRange(always)), [1, 2]);
});

test('it belongs to its user alone', async (t) => {
  const data = await dataDirectory(t);
  await write(data, [1]);
  assert.equal((await stat(join(data, 'journal'))).mode & 0o777, 0o700);
});

test('the oldest entries go, with all their keys', async (t) => {
  const data = await dataDirectory(t);
  const { journal } = journalIn(data, { maxEntries: 100 });
  for (const height of upTo(1000)) journal.append(entry({ height: BigInt(height), at: height }));
  await journal.close(patienceMs);
  const db = new Level<string, string>(join(data, 'journal'));
  assert.equal((await db.keys().all()).length, 300);
  await db.close();
  const again = journalIn(data, { maxEntries: 100 }).journal;
  t.after(() => again.close(patienceMs));
  assert.deepEqual(heights(await again.readRange(always)), upTo(1000).slice(900));
});

test('beyond its queue the oldest waiting entries are dropped and counted', async (t) => {
  const data = await dataDirectory(t);
  const { journal } = journalIn(data, { maxQueued: 10 });
  for (const height of upTo(25)) journal.append(entry({ height: BigInt(height), at: height }));
  await journal.close(patienceMs);
  assert.equal(journal.dropped(), 15);
  const { journal: again } = journalIn(data);
  t.after(() => again.close(patienceMs));
  assert.deepEqual(heights(await again.readRange(always)), upTo(25).slice(15));
});

type Damage = (journal: string) => Promise<void>;

async function each(directory: string, names: RegExp, act: (path: string) => Promise<void>) {
  const found = (await readdir(directory)).filter((name) => names.test(name));
  assert.ok(found.length > 0, `no ${names}`);
  for (const name of found) await act(join(directory, name));
}

const damages: readonly (readonly [what: string, damage: Damage])[] = [
  ['its CURRENT is empty', (dir) => truncate(join(dir, 'CURRENT'), 0)],
  ['its manifest is torn', (dir) => each(dir, /MANIFEST/, (path) => truncate(path, 10))],
  ['its manifest is gone', (dir) => each(dir, /MANIFEST/, unlink)],
  ['every file is empty', (dir) => each(dir, /./, (path) => truncate(path, 0))],
  [
    'a file lies in its place',
    async (dir) => {
      await rm(dir, { recursive: true });
      await writeFile(dir, 'what is this');
    },
  ],
  [
    'an entry is nonsense',
    async (dir) => {
      const db = new Level<string, string>(dir);
      await db.put('e\u00000000000000000000', 'not JSON');
      await db.close();
    },
  ],
];
for (const [what, damage] of damages) {
  test(`a damaged journal (${what}) is moved aside, and a new one begun`, async (t) => {
    const data = await dataDirectory(t);
    await write(data, [1, 2, 3]);
    await damage(join(data, 'journal'));
    // One entry is kept, so that the old ones are touched too.
    const { journal, said } = journalIn(data, { maxEntries: 1 });
    journal.append(entry({ height: 7n }));
    await said('journal_moved_aside');
    journal.append(entry({ height: 8n }));
    await journal.close(patienceMs);
    const { journal: again } = journalIn(data);
    t.after(() => again.close(patienceMs));
    assert.deepEqual(heights(await again.readRange(always)), [8]);
    assert.ok((await readdir(data)).some((name) => name.startsWith('journal.damaged-')));
  });
}

test('no more than two damaged ones are kept, the newest', async (t) => {
  const data = await dataDirectory(t);
  t.mock.timers.enable({ apis: ['Date'] });
  for (let round = 0; round < 4; round++) {
    await write(data, [round]);
    await truncate(join(data, 'journal', 'CURRENT'), 0);
    t.mock.timers.tick(1);
  }
  await write(data, [9]);
  assert.deepEqual((await readdir(data)).sort(), [
    'journal',
    'journal.damaged-1970-01-01T000000.003Z',
    'journal.damaged-1970-01-01T000000.004Z',
  ]);
});

test('another process that has it open is no damage: it waits and goes on, and says so once', async (t) => {
  const data = await dataDirectory(t);
  await write(data, [1]);
  const holder = new Level<string, string>(join(data, 'journal'));
  await holder.open();
  const retryMs = 1000;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { journal, logged } = journalIn(data, { retryMs });
  t.after(() => journal.close(patienceMs));
  journal.append(entry({ height: 2n }));
  for (let attempt = 0; attempt < 3; attempt++) {
    // A reader waits for the end of the attempt to write, then meets the same lock.
    await assert.rejects(journal.readRange(always), { code: 'LEVEL_DATABASE_NOT_OPEN' });
    assert.deepEqual(logged, ['journal_failed']);
    t.mock.timers.tick(retryMs);
  }
  await assert.rejects(journal.readRange(always), { code: 'LEVEL_DATABASE_NOT_OPEN' });
  await holder.close();
  t.mock.timers.tick(retryMs);
  assert.deepEqual(heights(await journal.readRange(always)), [1, 2]);
  assert.deepEqual(logged, ['journal_failed', 'journal_back']);
  assert.equal(journal.dropped(), 0);
  assert.deepEqual(await readdir(data), ['journal']);
});

test('a place that cannot be written costs entries and nothing else', async (t) => {
  const data = await dataDirectory(t);
  // A file where the directory's parent should be: holds for root as well, unlike a mode.
  await writeFile(join(data, 'file'), '');
  const { journal, logged, said } = journalIn(join(data, 'file', 'below'), { maxQueued: 3 });
  for (const height of upTo(5)) journal.append(entry({ height: BigInt(height) }));
  await said('journal_failed');
  await journal.close(patienceMs);
  journal.append(entry());
  assert.equal(journal.dropped(), 6);
  assert.deepEqual(logged, ['journal_failed']);
});

test('a new home needs nothing: the first entry makes the directory', async (t) => {
  const data = join(await dataDirectory(t), 'data');
  await mkdir(data, { mode: 0o700 });
  await chmod(data, 0o700);
  const { journal } = await write(data, [1]);
  assert.equal(journal.dropped(), 0);
});

test('while it is paused nothing is written, and what is lost is counted', async (t) => {
  const data = await dataDirectory(t);
  const { journal, logged, said } = journalIn(data);
  journal.append(entry({ height: 1n, at: 1 }));
  assert.deepEqual(heights(await journal.readRange(always)), [1]);
  journal.pause('the disk is full');
  journal.pause('the disk is full');
  journal.append(entry({ height: 2n, at: 2 }));
  assert.deepEqual(heights(await journal.readRange(always)), [1]);
  assert.equal(journal.dropped(), 1);
  assert.deepEqual(logged, ['journal_failed']);
  journal.pause(null);
  journal.append(entry({ height: 3n, at: 3 }));
  await said('journal_back');
  assert.deepEqual(heights(await journal.readRange(always)), [1, 3]);
  await journal.close(patienceMs);
});
