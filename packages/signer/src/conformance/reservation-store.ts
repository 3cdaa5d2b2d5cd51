/**
 * What every ReservationStore must do, whatever engine stands behind it.
 *
 * Owns    the examination: each case arranges, then the traits try it as it is and after a restart.
 * Never   looks inside. One store serves the whole suite; each case has a record of its own.
 * Proof   test/conformance.test.ts runs it on the reference, and on broken stores that it must fail.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RecordId, Verdict } from '@cometkms/sign-state';
import type { Change, ReservationStore } from '../seams.js';
import { committed, freshId, position, reservation, suiteBytes, suiteLimits } from './requests.js';

export interface StoreUnderTest {
  /** Of a caller that may serve. Asked for anew after a restart. */
  store(): ReservationStore;
  /** Another caller on the same record, if the engine has several that may serve at once. */
  second?(): ReservationStore;
  /** Stops everything and starts it on the same disks; resolves when `store()` may serve again. */
  restart?(): Promise<void>;
  close(): Promise<void>;
}

type Factory = () => Promise<StoreUnderTest>;

interface Case {
  readonly title: string;
  readonly arrange: (store: ReservationStore, id: RecordId) => Promise<unknown>;
  readonly check: (store: ReservationStore, id: RecordId) => Promise<void>;
}

export function reservationStoreSuite(name: string, factory: Factory): void {
  describe(`reservation store: ${name}`, () => {
    let subject: StoreUnderTest;
    before(async () => {
      subject = await factory();
    });
    after(() => subject.close());

    for (const { title, arrange, check } of cases) {
      test(title, async () => {
        const id = freshId();
        await arrange(subject.store(), id);
        await check(subject.store(), id);
      });
    }
    test('after a restart all of it still holds', async (t) => {
      if (subject.restart === undefined) return t.skip('this engine has nothing to restart');
      const pairs = cases.map((each) => ({ ...each, id: freshId() }));
      for (const { arrange, id } of pairs) await arrange(subject.store(), id);
      await subject.restart();
      for (const { title, check, id } of pairs) {
        await t.test(title, () => check(subject.store(), id));
      }
    });
    callersAtOnce(() => [subject.store(), subject.second?.() ?? subject.store()]);
  });
}

// ------------------------------------------------------------------------------------- cases

const cases: readonly Case[] = [
  {
    title: 'a chain that was never registered is refused, and has no record',
    arrange: async () => undefined,
    check: async (store, id) => {
      assert.equal(store.read(id), undefined);
      await expect(store, id, 5, 'X', 'unregistered');
      const changes = [
        store.raiseFloor(id, position(5), true),
        store.setLimits(id, suiteLimits),
        store.setHaltHeight(id, 5n),
        store.retire(id),
      ];
      for (const change of changes) expectRejected(committed(await change), 'unregistered');
      assert.equal(store.read(id), undefined);
    },
  },
  {
    title: 'a chain is registered once',
    arrange: registerFresh,
    check: async (store, id) => {
      const again = await store.registerChain(id, { kind: 'neverSigned' }, suiteLimits);
      expectRejected(committed(again), 'alreadyRegistered');
      assert.equal(store.read(id)?.neverSigned, true);
    },
  },
  {
    title: 'an imported position with bytes is the last reservation, without bytes a floor',
    arrange: async (store, id) => {
      const at5 = position(5);
      const signBytes = suiteBytes(id, at5, 'X');
      const start = { kind: 'imported', position: at5, signBytes } as const;
      committed(await store.registerChain(id, start, suiteLimits));
      const floored = { ...start, signBytes: null };
      committed(await store.registerChain(sibling(id), floored, suiteLimits));
    },
    check: async (store, id) => {
      await expect(store, id, 5, 'X', 'repeated');
      await expect(store, id, 5, 'Y', 'conflict');
      await expect(store, sibling(id), 5, 'X', 'regressed');
      await expect(store, id, 500, 'X', 'cutover');
    },
  },
  {
    title: 'what was granted repeats with the same bytes, and with its own at another time',
    arrange: grantX,
    check: async (store, id) => {
      const bytes = suiteBytes(id, position(7), 'X');
      const last = store.read(id)?.last;
      assert.deepEqual(last?.hrs, position(7));
      assert.deepEqual(plain(last?.signBytes), plain(bytes));
      for (const [seconds, kind] of [
        [0, 'repeated'],
        [1, 'retimed'],
      ] as const) {
        const verdict = await expect(store, id, 7, 'X', kind, seconds);
        assert.deepEqual(
          plain('signBytes' in verdict ? verdict.signBytes : undefined),
          plain(bytes),
        );
      }
    },
  },
  {
    title: 'another content at the same place is refused with what stands there; nil is a content',
    arrange: grantX,
    check: async (store, id) => {
      for (const block of ['Y', null]) {
        const verdict = await expect(store, id, 7, block, 'conflict');
        assert.deepEqual(
          plain(verdict.kind === 'conflict' ? verdict.stored.signBytes : undefined),
          plain(suiteBytes(id, position(7), 'X')),
        );
      }
    },
  },
  {
    title: 'below the last nothing is granted, by height, round or step',
    arrange: async (store, id) => {
      await registerFresh(store, id);
      committed(await store.reserve(reservation(id, position(7, 3, 2), 'X')));
    },
    check: async (store, id) => {
      for (const below of [position(6, 9, 3), position(7, 2, 3), position(7, 3, 1)]) {
        const verdict = committed(await store.reserve(reservation(id, below, 'X')));
        assert.equal(verdict.kind, 'regressed');
      }
      assert.deepEqual(store.read(id)?.last?.hrs, position(7, 3, 2));
    },
  },
  {
    title: 'a floor refuses what is at or below it, and never sinks',
    arrange: async (store, id) => {
      await registerFresh(store, id);
      committed(await store.raiseFloor(id, position(20), true));
      committed(await store.raiseFloor(id, position(10), true));
    },
    check: async (store, id) => {
      assert.deepEqual(store.read(id)?.floor, position(20));
      await expect(store, id, 20, 'X', 'regressed');
      await expect(store, id, 21, 'X', 'granted');
    },
  },
  {
    title: 'a raised floor ends the guard of the cut-over only on the operator’s word',
    arrange: async (store, id) => {
      for (const each of [id, sibling(id)]) {
        const start = { kind: 'imported', position: position(5), signBytes: null } as const;
        committed(await store.registerChain(each, start, suiteLimits));
      }
      committed(await store.raiseFloor(id, position(200), false));
      committed(await store.raiseFloor(sibling(id), position(200), true));
    },
    check: async (store, id) => {
      await expect(store, id, 301, 'X', 'cutover');
      await expect(store, sibling(id), 301, 'X', 'granted');
    },
  },
  {
    title: 'limits and the halt height are what was committed last',
    arrange: async (store, id) => {
      await grantX(store, id);
      committed(await store.setLimits(id, { maxHeightJump: 10n, cutoverWindow: 10n }));
      committed(await store.setHaltHeight(id, 8n));
      committed(await store.setHaltHeight(id, 9n));
    },
    check: async (store, id) => {
      assert.equal(store.read(id)?.haltHeight, 9n);
      await expect(store, id, 9, 'X', 'halted');
      committed(await store.setHaltHeight(id, null));
      await expect(store, id, 18, 'X', 'leap');
      await expect(store, id, 9, 'X', 'granted');
    },
  },
  {
    title: 'retirement is for ever, also for a repeat',
    arrange: async (store, id) => {
      await grantX(store, id);
      committed(await store.retire(id));
    },
    check: async (store, id) => {
      assert.equal(store.read(id)?.retired, true);
      await expect(store, id, 7, 'X', 'retired');
      expectRejected(committed(await store.raiseFloor(id, position(30), true)), 'retired');
      const again = await store.registerChain(id, { kind: 'neverSigned' }, suiteLimits);
      expectRejected(committed(again), 'alreadyRegistered');
    },
  },
  {
    title: 'two keys on one chain, and one key on two chains, are separate records',
    arrange: async (store, id) => {
      for (const each of [id, otherChain(id), sibling(id)]) await grantX(store, each);
    },
    check: async (store, id) => {
      for (const each of [id, otherChain(id), sibling(id)]) {
        const last = store.read(each)?.last;
        assert.deepEqual(plain(last?.signBytes), plain(suiteBytes(each, position(7), 'X')));
        await expect(store, each, 7, 'Y', 'conflict');
      }
    },
  },
  {
    title: 'bytes that say another place are refused as malformed, and change nothing',
    arrange: registerFresh,
    check: async (store, id) => {
      const said = reservation(id, position(8), 'X');
      const verdict = committed(await store.reserve({ ...said, hrs: position(9) }));
      assert.equal(verdict.kind, 'malformed');
      assert.equal(store.read(id)?.last, null);
    },
  },
];

// -------------------------------------------------------------------------- callers at once

function callersAtOnce(callers: () => readonly [ReservationStore, ReservationStore]): void {
  test('of two callers with two contents for one place, exactly one is granted', async () => {
    for (let round = 0; round < 8; round++) {
      const [a, b] = callers();
      const id = freshId();
      await registerFresh(a, id);
      const verdicts = await Promise.all([
        a.reserve(reservation(id, position(7), 'X')),
        b.reserve(reservation(id, position(7), 'Y')),
      ]);
      const kinds = verdicts.map((verdict) => committed(verdict).kind).sort();
      assert.deepEqual(kinds, ['conflict', 'granted']);
    }
  });

  test('of many askings at once, one is granted and the others get its bytes or a conflict', async () => {
    const [a, b] = callers();
    const id = freshId();
    await registerFresh(a, id);
    const asked = ['X', 'Y', null].flatMap((block) => [0, 1, 2].map((s) => [block, s] as const));
    const results = await Promise.all(
      asked.map(([block, seconds], i) =>
        (i % 2 === 0 ? a : b).reserve(reservation(id, position(7), block, seconds)),
      ),
    );
    const verdicts = results.map(committed);
    const allowed = verdicts.flatMap((v) => ('signBytes' in v ? [plain(v.signBytes)] : []));
    assert.equal(verdicts.filter((verdict) => verdict.kind === 'granted').length, 1);
    assert.equal(allowed.length, 3, 'the three askings with the granted content');
    assert.equal(new Set(allowed.map((bytes) => bytes?.join())).size, 1, 'one set of bytes');
    assert.equal(verdicts.filter((verdict) => verdict.kind === 'conflict').length, 6);
  });

  test('of two registrations at once, one is done', async () => {
    const [a, b] = callers();
    const id = freshId();
    const start = { kind: 'neverSigned' } as const;
    const results = await Promise.all([
      a.registerChain(id, start, suiteLimits),
      b.registerChain(id, start, suiteLimits),
    ]);
    assert.deepEqual(results.map((result) => committed(result).kind).sort(), ['done', 'rejected']);
  });

  test('the bytes are read before the first await', async () => {
    const [a] = callers();
    const id = freshId();
    await registerFresh(a, id);
    const asked = reservation(id, position(7), 'X');
    const before = new Uint8Array(asked.signBytes);
    const pending = a.reserve(asked);
    asked.signBytes.fill(0);
    const verdict = committed(await pending);
    assert.equal(verdict.kind, 'granted');
    assert.deepEqual(plain(verdict.signBytes), plain(before));
  });

  test('each commit lies above the one before', async () => {
    const [a] = callers();
    const id = freshId();
    await registerFresh(a, id);
    let before = { term: 0, index: 0 };
    for (let height = 1; height <= 3; height++) {
      const result = await a.reserve(reservation(id, position(height), 'X'));
      assert.equal(result.kind, 'committed');
      const { term, index } = result.proof;
      assert.ok(term >= before.term && index > before.index, 'the log went back');
      before = { term, index };
    }
  });

  test('what was answered is applied here', async () => {
    const [a] = callers();
    const id = freshId();
    await registerFresh(a, id);
    for (let height = 1; height <= 3; height++) {
      committed(await a.reserve(reservation(id, position(height), 'X')));
      assert.deepEqual(a.read(id)?.last?.hrs, position(height));
    }
  });
}

// ---------------------------------------------------------------------------------- arranging

async function registerFresh(store: ReservationStore, id: RecordId): Promise<void> {
  const change = committed(await store.registerChain(id, { kind: 'neverSigned' }, suiteLimits));
  assert.equal(change.kind, 'done');
}

async function grantX(store: ReservationStore, id: RecordId): Promise<void> {
  await registerFresh(store, id);
  const verdict = committed(await store.reserve(reservation(id, position(7), 'X')));
  assert.equal(verdict.kind, 'granted');
}

async function expect(
  store: ReservationStore,
  id: RecordId,
  height: number,
  block: string | null,
  kind: Verdict['kind'],
  seconds = 0,
): Promise<Verdict> {
  const verdict = committed(await store.reserve(reservation(id, position(height), block, seconds)));
  assert.equal(verdict.kind, kind);
  return verdict;
}

function expectRejected(change: Change, reason: string): void {
  assert.equal(change.kind, 'rejected');
  assert.equal(change.reason, reason);
}

/** The same chain with another key. */
function sibling(id: RecordId): RecordId {
  const bytes = id.key.bytes.map((byte) => byte ^ 0xff);
  return { chainId: id.chainId, key: { type: id.key.type, bytes } };
}

function otherChain(id: RecordId): RecordId {
  return { chainId: `${id.chainId}-b`, key: id.key };
}

/** Engines may hand out a Buffer; only the bytes count. */
function plain(bytes: Uint8Array | undefined): readonly number[] | undefined {
  return bytes === undefined ? undefined : [...bytes];
}
