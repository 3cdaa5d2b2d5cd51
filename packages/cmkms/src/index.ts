/**
 * What the reference pages are printed from: the catalogues of the program, as data.
 *
 * Owns    the list of what another room may read.
 * Never   exports anything that runs a replica: the program is entered by its command line.
 */
export { buildProgram } from './cli/program.js';
export type { Terminal } from './cli/terminal.js';
export { chainKeys, type KeySpec, raftProfiles, tables, topLevelKeys } from './config/schema.js';
export { cmkmsErrors } from './errors.js';
export { exitCodeOfForeign, exitMeanings } from './exit-codes.js';
export { noteCodes, reasonCodes } from './http/readiness.js';
export { type EventName, type EventRow, events, type Level, levels } from './log/events.js';
export {
  labelsOf,
  type MetricName,
  metricNames,
  metricRow,
  outcomes,
} from './metrics/catalogue.js';
export { remoteErrorCodes } from './replica/remote-error-codes.js';
