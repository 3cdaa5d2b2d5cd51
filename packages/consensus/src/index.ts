/**
 * What other rooms may use of this one.
 *
 * Owns    the list.
 */
export type { AdmissionStep } from './admission.js';
export * from './certificates.js';
export { refusalInWords } from './change-refusals.js';
export { type Clock, type Entropy, systemClock, systemEntropy } from './clock.js';
export { type CoreConfigFault, checkCoreConfig } from './core/config.js';
export { membersOf } from './core/membership.js';
export type { CoreStatus } from './core/status.js';
export * from './core/types.js';
export * from './errors.js';
export type { FoundingStep, ListedMember } from './founding.js';
export { RaftNode } from './node.js';
export type {
  MembershipNews,
  NodeEvents,
  Place,
  RaftNodeOptions,
  StateMachine,
} from './node-contract.js';
export type { Proposed } from './pending-proposals.js';
export type { RulesRange } from './rules-range.js';
export type { StateCheck } from './state-checks.js';
export * from './storage.js';
export type * from './transport/connection.js';
export {
  defaultLinkLimits,
  type LinkLimits,
  LinkTransport,
  type LinkTransportOptions,
} from './transport/link-transport.js';
export type { LinkSecurity } from './transport/security.js';
export * from './transport.js';
export { openWal } from './wal/index.js';
export { decodeFrame, encodeFrame, type ReceivedFrame, type WireFrame } from './wire-codec.js';
