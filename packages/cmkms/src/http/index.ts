/**
 * The read-only HTTP side of a replica.
 *
 * Owns    nothing itself: it names what the rest of the program may use of this directory.
 * Never   exports how an answer is written.
 */
export {
  CERTIFICATE_WARNING_DAYS,
  judgeReadiness,
  type Readiness,
  ReadinessWatch,
  type ReasonCode,
  reasonCodes,
} from './readiness.js';
export { type HttpOptions, type HttpServer, startHttp } from './server.js';
export { type ChainJson, type StatusJson, statusJson } from './status-json.js';
