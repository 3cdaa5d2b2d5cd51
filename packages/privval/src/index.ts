/**
 * The validators' protocol: what the program may use of it, and a validator's side in tests.
 *
 * Owns    the public names of this room.
 * Never   exports what only its own tests need.
 */

export { parseValidatorAddress, type ValidatorAddress } from './address.js';
export type { SignAnswer } from './answer.js';
export {
  type Connection,
  PlainConnection,
  type Receiver,
  type TransportKind,
} from './connection.js';
export { defaultDialTimeoutMs, dial } from './dialer.js';
export { type PrivvalCode, PrivvalError, privvalErrors } from './errors.js';
export { defaultMaxMessageBytes, FrameDecoder, frame } from './framing.js';
export { decodeMessage, encodeMessage } from './message-codec.js';
export * from './messages.js';
export type { ProposalRequest, VoteRequest } from './request-check.js';
export { createIdentity, type EphemeralKey, ephemeralKey, type Identity } from './sealed-frames.js';
export {
  defaultHandshakeTimeoutMs,
  type HandshakeOptions,
  SecretConnection,
  secretHandshake,
} from './secret-connection.js';
export {
  defaultSessionOptions,
  type LogEntry,
  type RequestKind,
  Session,
  type SessionEvents,
  type SessionOptions,
  type SigningHandler,
} from './session.js';
export {
  type Closing,
  type DialOutcome,
  defaultLinkOptions,
  type LinkEvents,
  type LinkOptions,
  type LinkState,
  ValidatorLink,
} from './validator-link.js';
