/**
 * The log of a replica.
 *
 * Owns    nothing itself: it names what the rest of the program may use of this directory.
 * Never   exports the output's devices.
 */
export * from './events.js';
export { formatLine, type LogFormat } from './format.js';
export {
  atMost,
  type Log,
  type Logger,
  type LoggerOptions,
  loggerTo,
  openLogger,
} from './logger.js';
export {
  defaultOutputLimits,
  type LineOutput,
  type OutputLimits,
  openLineOutput,
} from './output.js';
