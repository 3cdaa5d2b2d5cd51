/** The suites, in the order in which `all` runs them. */
import type { Suite } from '../bench.js';
import { disk } from './disk.js';
import { failover } from './failover.js';
import { floor } from './floor.js';
import { footprint } from './footprint.js';
import { latency } from './latency.js';
import { network } from './network.js';
import { stagesSuite } from './stages.js';
import { start } from './start.js';
import { throughput } from './throughput.js';
import { wan } from './wan.js';

export const suites: readonly Suite[] = [
  floor,
  latency,
  throughput,
  stagesSuite,
  failover,
  wan,
  disk,
  network,
  start,
  footprint,
];
