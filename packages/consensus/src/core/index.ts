/**
 * What the driver may use of the core.
 *
 * Owns    the list. All else under core/ is the core's own.
 */

export { votersApart } from './change.js';
export {
  type CheckedCoreConfig,
  type CoreConfigFault,
  type CoreConfigVerdict,
  checkCoreConfig,
} from './config.js';
export { type Core, createCore } from './core.js';
export { membershipAt, membersOf, type Standing, standingOf } from './membership.js';
export { majority } from './quorum.js';
export { rulesAt, rulesOf } from './rules.js';
export {
  type CoreStatus,
  committedOnDisk,
  mayServe,
  type PeerStatus,
  type QuorumContact,
  quorumContact,
  statusOf,
} from './status.js';
export { step } from './step.js';
export * from './types.js';
