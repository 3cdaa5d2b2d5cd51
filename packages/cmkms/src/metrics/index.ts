/**
 * The metrics of a replica.
 *
 * Owns    nothing itself: it names what the rest of the program may use of this directory.
 * Never   exports prom-client's objects.
 */
export * from './catalogue.js';
export {
  type LinkKey,
  type Losses,
  Metrics,
  type MetricsOptions,
  type ReleasedSignature,
} from './metrics.js';
export { outcomeOf } from './outcome.js';
