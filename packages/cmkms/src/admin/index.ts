/**
 * The admin socket, both ends.
 *
 * Owns    nothing itself: it names what the rest of the program may use of this directory.
 * Never   exports how a line is written or read.
 */
export { AdminRefusal, adminRequest } from './client.js';
export {
  type AdminKind,
  type AdminRequest,
  type AdminResults,
  type ChainChoice,
  identityPattern,
  type MembershipResult,
  type Newcomer,
  type RequestOf,
} from './protocol.js';
export { type AdminHandler, type AdminServer, checkSocketPath, startAdmin } from './server.js';
