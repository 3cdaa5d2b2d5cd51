/** The suites, in the order in which `all` runs them. */
import type { Suite } from '../bench.js';
import { floor } from './floor.js';
import { footprint } from './footprint.js';
import { latency } from './latency.js';
import { start } from './start.js';
import { throughput } from './throughput.js';

export const suites: readonly Suite[] = [floor, latency, throughput, start, footprint];
