/**
 * The public interface of the room.
 *
 * Owns    what other rooms may use: canonical sign bytes, verdicts, the state machine, and its bytes in the log.
 * Never   exports a way to change a record but by a command.
 */
export { type Applied, applyCommand } from './apply.js';
export {
  type BlockId,
  type CanonicalMessage,
  extensionSignBytes,
  type PartSetHeader,
  type ProposalToSign,
  proposalSignBytes,
  readSignBytes,
  SIGNED_MSG_TYPE,
  type VoteToSign,
  voteSignBytes,
} from './canonical.js';
export { COMMAND_VERSION, decodeCommand, encodeCommand, SNAPSHOT_VERSION } from './codec.js';
export { decide, FIRST_HEIGHT_LIMIT, highestPosition } from './decide.js';
export { type SignStateCode, SignStateError, signStateErrors } from './errors.js';
export { compareHrs, comparePosition, describePosition, isWholeHeight } from './hrs.js';
export { idKey, sameId } from './identity.js';
export { knownRules } from './rules.js';
export { SignState } from './state.js';
export * from './types.js';
