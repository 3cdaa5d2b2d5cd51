/**
 * A replica for whoever gives it a world of its own: the simulator.
 *
 * Owns    the list of what that takes.
 * Never   is used by the program itself, which is entered by its command line.
 */
export type { Checked, CheckedChain } from '../check-home.js';
export type { ChainSettings, Settings } from '../config/settings.js';
export { homePaths } from '../home.js';
export type { EventFacts, EventName, Log } from '../log/index.js';
export { Metrics } from '../metrics/index.js';
export type { Edges, OpenedLink, ReplicaClock } from './edges.js';
export { type MembershipWorld, membershipHandler } from './membership-requests.js';
export { remoteErrorCodes } from './remote-error-codes.js';
export { Replica, type ReplicaOptions } from './replica.js';
