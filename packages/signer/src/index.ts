/**
 * The public interface of the room.
 *
 * Owns    what other rooms may use: keys, files, watermark, gate, and the seams they meet at.
 * Never   exports what shows a private key.
 */
export { removeLeftovers, replaceFile } from './atomic-file.js';
export { type DurableFile, type DurableFiles, systemFiles } from './durable-files.js';
export { type SignerCode, SignerError, type SignerFacts, signerErrors } from './errors.js';
export { type GateClock, systemClock } from './gate/clock.js';
export { Gate, type GateOptions } from './gate/driver.js';
export type {
  GateAlarm,
  GateRules,
  Input,
  Moment,
  Output,
  SigningJob,
  Ticket,
} from './gate/events.js';
export type { GateObserver } from './gate/observer.js';
export { type GateState, idle, type Stepped, step, type Turn } from './gate/step.js';
export { addressOf, readKeyFile, writeKeyFile } from './keys/key-file.js';
export { SoftwareKey } from './keys/software-key.js';
export { type Verifier, verifierFor } from './keys/verify.js';
export { MemoryCluster, MemoryReplica } from './memory-store.js';
export type { PlainFile } from './plain-file.js';
export * from './seams.js';
export {
  deriveStateFile,
  formatStateFile,
  parseStateFile,
  readStateFile,
  type Signed,
  type StateFile,
  writeStateFile,
} from './state-file.js';
export {
  type Marked,
  type OpenedWatermark,
  openWatermark,
  type WatermarkEdges,
  WatermarkFile,
} from './watermark.js';
