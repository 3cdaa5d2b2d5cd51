/** The reference implementations pass the suites that every other implementation must pass. */
import {
  keyBackendSuite,
  leadershipSuite,
  reservationStoreSuite,
} from '../src/conformance/index.js';
import { MemoryCluster, SoftwareKey } from '../src/index.js';
import { seed } from './worlds.js';

reservationStoreSuite('in memory', async () => {
  const cluster = new MemoryCluster();
  cluster.elect('a');
  return {
    store: () => cluster.replica('a'),
    second: () => cluster.replica('a'),
    restart: async () => cluster.restart(),
    close: async () => {},
  };
});

leadershipSuite('in memory', async () => {
  const cluster = new MemoryCluster();
  const replica = cluster.replica('a');
  return {
    self: 'a',
    leadership: replica,
    store: replica,
    gain: async () => cluster.elect('a'),
    lose: async () => cluster.elect('b'),
    elsewhere: () => cluster.replica('b'),
    close: async () => {},
  };
});

keyBackendSuite('in software', async () => {
  return { key: new SoftwareKey(seed), secret: seed, close: async () => {} };
});
