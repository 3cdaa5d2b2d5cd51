/**
 * Stores with one bug each, for conformance.test.ts to run as a process of its own: the suite must fail them.
 *
 * Owns    the bugs, by name. The name is the last argument.
 */
import { reservationStoreSuite } from '../src/conformance/index.js';
import { MemoryCluster, type ReservationStore } from '../src/index.js';

type Bug = (store: ReservationStore, cluster: MemoryCluster) => Partial<ReservationStore>;

const noKey = { type: 'none', bytes: new Uint8Array(0) };

const bugs: Readonly<Record<string, Bug>> = {
  /** What many databases offer as "upsert": judge by a read, then write. */
  judgesBeforeItWrites: (store) => ({
    reserve: async (request) => {
      const before = store.read(request.id);
      await Promise.resolve();
      if (before?.last?.hrs.height === request.hrs.height) return store.reserve(request);
      const { signBytes, hrs, by, at } = request;
      const stored = { hrs, signBytes, by, at };
      await store.reserve(request);
      const value = { kind: 'granted', signBytes, stored } as const;
      return { kind: 'committed', value, proof: { term: 1, index: 1, commitMs: 0 } };
    },
  }),
  answersWithTheRequestsBytes: (store) => ({
    reserve: async (request) => {
      const result = await store.reserve(request);
      if (result.kind !== 'committed' || !('signBytes' in result.value)) return result;
      return { ...result, value: { ...result.value, signBytes: request.signBytes } };
    },
  }),
  readsBytesLate: (store) => ({
    reserve: async (request) => {
      await Promise.resolve();
      return store.reserve(request);
    },
  }),
  forgetsRetirement: () => ({
    retire: async () => ({
      kind: 'committed',
      value: { kind: 'rejected', reason: 'retired', detail: '', record: null },
      proof: { term: 1, index: 1, commitMs: 0 },
    }),
  }),
  lowersTheFloor: (store) => ({
    raiseFloor: (id, floor, ends) =>
      store.raiseFloor(id, floor.height === 10n ? { ...floor, height: 30n } : floor, ends),
  }),
  appliesLate: (store) => ({ read: () => store.read({ chainId: '', key: noKey }) }),
  none: () => ({}),
};

const make = bugs[process.argv.at(-1) ?? ''];
if (make !== undefined) {
  reservationStoreSuite('broken', async () => {
    const cluster = new MemoryCluster();
    cluster.elect('a');
    const good = cluster.replica('a');
    const store: ReservationStore = {
      reserve: (request) => good.reserve(request),
      registerChain: (id, start, limits) => good.registerChain(id, start, limits),
      raiseFloor: (id, floor, ends) => good.raiseFloor(id, floor, ends),
      setLimits: (id, limits) => good.setLimits(id, limits),
      setHaltHeight: (id, height) => good.setHaltHeight(id, height),
      retire: (id) => good.retire(id),
      read: (id) => good.read(id),
      ...make(good, cluster),
    };
    return { store: () => store, close: async () => {} };
  });
}

export const bugNames = Object.keys(bugs).filter((name) => name !== 'none');
