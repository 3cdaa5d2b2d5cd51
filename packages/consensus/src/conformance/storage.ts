/**
 * What every `LogStorage` must do, as tests that run on any of them.
 *
 * Owns    the examination of storage.ts: the real log and a simulator's disk must not be kinder than it.
 * Never   knows how a storage stores.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantViolation, onViolation } from '@cometkms/invariant';
import type { Entry } from '../core/types.js';
import type { LogBatch, LogStorage, RecoveredStorage } from '../storage.js';
import {
  change,
  entries,
  entry,
  founded,
  founding,
  genesis,
  mark,
  member,
  nothing,
  rulesEntry,
  snapshot,
  stateHash,
} from './log-records.js';

/** One place where a log lives, over any number of starts. */
export interface StoragePlace {
  /** A storage on what the place holds; `open` is called by the suite. The one before was closed, or lost its power. */
  storage(): LogStorage;
  /** The machine loses all that was not synced; only with `supports.powerLoss`. */
  losePower?(): void;
  dispose(): Promise<void>;
}

export interface StorageFactory {
  readonly supports: { readonly powerLoss: boolean };
  /** A place where nothing was ever written. */
  place(): Promise<StoragePlace>;
}

// ---------------------------------------------------------------------------------- suite

/** What is appended, one call after the other, and what must be read back then. */
interface Case {
  readonly says: string;
  readonly calls: readonly (readonly LogBatch[])[];
  readonly gives: Partial<RecoveredStorage>;
}

const ofEachKind: readonly Entry[] = [
  { kind: 'empty', index: 1, term: 2 },
  ...[entry(2, 2, ''), change(3, 2), rulesEntry(4, 2), stateHash(5, 2)],
];

const cases: readonly Case[] = [
  { says: 'the genesis, the first snapshot and the boot', calls: [], gives: {} },
  {
    says: 'a term with its vote, and a later term without one',
    calls: [
      [{ hard: { term: 3, votedFor: member('b').id } }],
      [{ hard: { term: 4, votedFor: null } }],
    ],
    gives: { hard: { term: 4, votedFor: null } },
  },
  {
    says: 'entries of every kind, in their order, an empty command among them',
    calls: [[{ entries: ofEachKind }]],
    gives: { entries: ofEachKind },
  },
  {
    says: 'all batches of one call, in their order',
    calls: [
      [
        { hard: { term: 1, votedFor: null }, entries: entries(1, 3, 1) },
        { truncateFrom: 3, hard: { term: 2, votedFor: member('c').id } },
        { entries: entries(3, 4, 2) },
      ],
    ],
    gives: {
      hard: { term: 2, votedFor: member('c').id },
      entries: [...entries(1, 2, 1), ...entries(3, 4, 2)],
    },
  },
  {
    says: 'a truncation together with what replaces it (rule 14)',
    calls: [[{ entries: entries(1, 6, 1) }], [{ truncateFrom: 4, entries: entries(4, 5, 2) }]],
    gives: { entries: [...entries(1, 3, 1), ...entries(4, 5, 2)] },
  },
  {
    says: 'a truncation down to the snapshot, and nothing in its place',
    calls: [[{ entries: entries(1, 3, 1) }], [{ truncateFrom: 1 }]],
    gives: { entries: [] },
  },
  {
    says: 'a snapshot inside the log, which keeps the suffix (rule 45)',
    calls: [[{ entries: entries(1, 5, 1) }], [{ snapshot: snapshot(3, 1) }]],
    gives: { snapshot: snapshot(3, 1), entries: entries(4, 5, 1) },
  },
  {
    says: 'a snapshot at the end of the log, entries of the same batch included',
    calls: [
      [{ entries: entries(1, 2, 1) }],
      [{ entries: [entry(3, 1)], snapshot: snapshot(3, 1) }],
    ],
    gives: { snapshot: snapshot(3, 1), entries: [] },
  },
  {
    says: 'a snapshot that resets the log, with the term that came with it (rule 44)',
    calls: [
      [{ entries: entries(1, 5, 1) }],
      [{ hard: { term: 7, votedFor: null }, snapshot: snapshot(40, 6), resetLog: true }],
      [{ entries: entries(41, 42, 7) }],
    ],
    gives: {
      hard: { term: 7, votedFor: null },
      snapshot: snapshot(40, 6),
      entries: entries(41, 42, 7),
    },
  },
  {
    says: 'the latest mark of each peer',
    calls: [
      [{ marks: [mark('b'), mark('c', { joined: true })] }],
      [{ marks: [mark('b', { boot: 2, runId: 'run-2', term: 5, acknowledged: 9, joined: true })] }],
    ],
    gives: {
      marks: [
        mark('b', { boot: 2, runId: 'run-2', term: 5, acknowledged: 9, joined: true }),
        mark('c', { joined: true }),
      ],
    },
  },
  {
    says: 'the latest boot',
    calls: [[{ boot: { boot: 2, runId: 'r2' } }], [{ boot: { boot: 3, runId: 'r3' } }]],
    gives: { boot: { boot: 3, runId: 'r3' } },
  },
  {
    says: 'the largest integers that are safe',
    calls: [
      [
        {
          hard: { term: Number.MAX_SAFE_INTEGER, votedFor: null },
          snapshot: snapshot(2 ** 53 - 3, 2 ** 50),
          resetLog: true,
        },
      ],
      [{ entries: [entry(2 ** 53 - 2, Number.MAX_SAFE_INTEGER)] }],
    ],
    gives: {
      hard: { term: Number.MAX_SAFE_INTEGER, votedFor: null },
      snapshot: snapshot(2 ** 53 - 3, 2 ** 50),
      entries: [entry(2 ** 53 - 2, Number.MAX_SAFE_INTEGER)],
    },
  },
  {
    says: 'entries and snapshots of 200 KiB, of later rules, all zero bytes included',
    calls: [
      [{ entries: [{ kind: 'command', index: 1, term: 1, command: new Uint8Array(200 * 1024) }] }],
      [{ snapshot: { ...snapshot(1, 1), rules: 2, state: new Uint8Array(200 * 1024).fill(7) } }],
    ],
    gives: { snapshot: { ...snapshot(1, 1), rules: 2, state: new Uint8Array(200 * 1024).fill(7) } },
  },
];

/** Batches that no storage may take: a log with them could not be recovered. */
const broken: readonly (readonly [rule: RegExp, before: LogBatch, batch: LogBatch])[] = [
  [/no holes/, { entries: entries(1, 2, 1) }, { entries: [entry(4, 1)] }],
  [/no holes/, { entries: entries(1, 2, 1) }, { entries: [entry(2, 1)] }],
  [/inside the log/, { entries: entries(1, 2, 1) }, { truncateFrom: 4 }],
  [
    /never truncated/,
    { entries: entries(1, 3, 1), snapshot: snapshot(2, 1) },
    { truncateFrom: 2, entries: [entry(2, 2)] },
  ],
  [/ends in an entry/, { entries: entries(1, 3, 1) }, { snapshot: snapshot(3, 2) }],
  [/ends in an entry/, { entries: entries(1, 3, 1) }, { snapshot: snapshot(4, 1) }],
  [
    /never older/,
    { snapshot: snapshot(9, 1), resetLog: true },
    { snapshot: snapshot(8, 1), resetLog: true },
  ],
  [/reset only by a snapshot/, {}, { resetLog: true }],
  [/written once/, {}, { genesis }],
];

const isViolation = (rule: RegExp) => (error: unknown) =>
  error instanceof InvariantViolation && rule.test(error.message);

/** Registers the suite's tests under `name`. */
export function storageSuite(name: string, factory: StorageFactory): void {
  const examine = (says: string, body: (place: StoragePlace) => Promise<void>): void => {
    test(`${name}: ${says}`, async () => {
      const place = await factory.place();
      try {
        await body(place);
      } finally {
        await place.dispose();
      }
    });
  };
  readsBack(examine);
  livesOn(examine);
  refuses(examine);
  if (factory.supports.powerLoss) survivesPowerLoss(examine);
}

type Examine = (says: string, body: (place: StoragePlace) => Promise<void>) => void;

async function openHere(
  place: StoragePlace,
): Promise<{ storage: LogStorage; found: RecoveredStorage }> {
  const storage = place.storage();
  return { storage, found: await storage.open() };
}

/** Closes, opens anew, compares, and hands on the storage. */
async function expectAgain(
  place: StoragePlace,
  before: LogStorage,
  gives: RecoveredStorage,
): Promise<LogStorage> {
  await before.close();
  const { storage, found } = await openHere(place);
  assert.deepEqual(found, gives);
  return storage;
}

function readsBack(examine: Examine): void {
  examine(
    'nothing was ever written: no genesis, and still none when opened again',
    async (place) => {
      const { storage, found } = await openHere(place);
      assert.deepEqual(found, nothing);
      await (await expectAgain(place, storage, nothing)).close();
    },
  );

  for (const { says, calls, gives } of cases) {
    examine(`reads back ${says}`, async (place) => {
      const { storage } = await openHere(place);
      await storage.append([founding]);
      for (const batches of calls) await storage.append(batches);
      // Twice: what recovery itself leaves behind must read the same.
      const again = await expectAgain(place, storage, { ...founded, ...gives });
      await (await expectAgain(place, again, { ...founded, ...gives })).close();
    });
  }
}

function livesOn(examine: Examine): void {
  examine('goes on where it was, over many starts', async (place) => {
    let { storage } = await openHere(place);
    await storage.append([founding]);
    for (let start = 2; start <= 12; start += 1) {
      await storage.append([{ boot: { boot: start, runId: `r${start}` } }]);
      await storage.append([{ entries: entries(start * 10 - 19, start * 10 - 10, start) }]);
      await storage.close();
      const next = await openHere(place);
      storage = next.storage;
      assert.deepEqual(next.found.boot, { boot: start, runId: `r${start}` });
      assert.deepEqual(
        next.found.entries.map(({ index }) => index),
        Array.from({ length: start * 10 - 10 }, (_, at) => at + 1),
      );
    }
    await storage.close();
  });

  examine('keeps what it was given when the caller changes his bytes afterwards', async (place) => {
    const { storage } = await openHere(place);
    await storage.append([founding]);
    const command = new TextEncoder().encode('as it was');
    const appending = storage.append([
      { entries: [{ kind: 'command', index: 1, term: 1, command }] },
    ]);
    command.fill(0);
    await appending;
    await storage.append([{ entries: entries(2, 400, 1) }]);
    const kept = { ...founded, entries: [entry(1, 1, 'as it was'), ...entries(2, 400, 1)] };
    await (await expectAgain(place, storage, kept)).close();
  });

  examine('stays bounded where snapshots let it', async (place) => {
    const { storage } = await openHere(place);
    await storage.append([founding]);
    const bytes: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const from = round * 10 + 1;
      await storage.append([{ entries: entries(from, from + 9, 1) }]);
      await storage.append([{ snapshot: snapshot(from + 9, 1) }]);
      bytes.push(storage.stats().bytes);
    }
    assert.ok(Math.max(...bytes.slice(30)) <= 2 * Math.max(...bytes.slice(0, 30)), String(bytes));
    await (await expectAgain(place, storage, { ...founded, snapshot: snapshot(600, 1) })).close();
  });
}

function refuses(examine: Examine): void {
  const withViolations = async (body: () => Promise<void>): Promise<void> => {
    const restore = onViolation((violation) => {
      throw violation;
    });
    try {
      await body();
    } finally {
      restore();
    }
  };

  examine('a second append while one is in flight is a broken rule', async (place) => {
    const { storage } = await openHere(place);
    await storage.append([founding]);
    await withViolations(async () => {
      const first = storage.append([{ entries: entries(1, 2, 1) }]);
      const second = storage.append([{ entries: entries(3, 4, 1) }]);
      await assert.rejects(second, isViolation(/one write is in flight/));
      await first;
    });
    await (await expectAgain(place, storage, { ...founded, entries: entries(1, 2, 1) })).close();
  });

  for (const [rule, before, batch] of broken) {
    examine(`a batch is a broken rule and leaves no trace: ${rule.source}`, async (place) => {
      const { storage } = await openHere(place);
      await storage.append([founding]);
      await storage.append([before]);
      await withViolations(async () => {
        await assert.rejects(storage.append([batch]), isViolation(rule));
      });
      await storage.close();
      const { storage: next, found } = await openHere(place);
      assert.equal(found.snapshot?.index, before.snapshot?.index ?? 0);
      const base = found.snapshot?.index ?? 0;
      const kept = (before.entries ?? []).filter(({ index }) => index > base);
      assert.deepEqual(found.entries, before.resetLog ? [] : kept);
      await next.close();
    });
  }

  examine('nothing is written before the genesis', async (place) => {
    const { storage } = await openHere(place);
    await withViolations(async () => {
      await assert.rejects(
        storage.append([{ hard: { term: 1, votedFor: null } }]),
        isViolation(/carries its genesis/),
      );
    });
    await (await expectAgain(place, storage, nothing)).close();
  });
}

function survivesPowerLoss(examine: Examine): void {
  examine('all that was acknowledged survives a loss of power, at each append', async (place) => {
    let { storage } = await openHere(place);
    await storage.append([founding]);
    for (let index = 1; index <= 40; index += 1) {
      await storage.append([{ entries: [entry(index, index)] }]);
      place.losePower?.();
      const next = await openHere(place);
      assert.deepEqual(
        next.found.entries.map(({ term }) => term),
        Array.from({ length: index }, (_, at) => at + 1),
      );
      storage = next.storage;
    }
    await storage.close();
  });
}
