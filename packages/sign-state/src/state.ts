/**
 * The state machine: every record, and what committed commands make of them.
 *
 * Owns    the records of one cluster. The only mutable thing in this room, and it is synchronous: a command
 *         is applied to its end before anyone can look.
 * Never   reads a clock, a file or a configuration: the same commands in the same order give the same
 *         answers, the same snapshot and the same hash on every replica.
 * Proof   test/state.test.ts, test/history.property.test.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { applyCommand } from './apply.js';
import { decodeSnapshot, encodeSnapshot } from './codec.js';
import { idKey } from './identity.js';
import type { Answer, Command, RecordId, SigningRecord } from './types.js';

export class SignState {
  readonly #records = new Map<string, SigningRecord>();

  /** Applies the next committed command. Rejections and refusals are answers; it does not throw for them. */
  apply(command: Command): Answer {
    const key = idKey(command.id);
    const { record, answer } = applyCommand(this.#records.get(key), command);
    if (record !== undefined) this.#records.set(key, record);
    return answer;
  }

  /** Records are immutable: what was read stays as it was, and may soon be behind. */
  read(id: RecordId): SigningRecord | undefined {
    return this.#records.get(idKey(id));
  }

  /** In the order of their ids, the same on every replica. */
  records(): readonly SigningRecord[] {
    return [...this.#records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
  }

  /** The whole state. Equal states give equal bytes. */
  snapshot(): Uint8Array {
    return encodeSnapshot(this.records());
  }

  /**
   * @throws SignStateError SIGN_STATE_VERSION  written by a version that this one does not know: stop
   * @throws SignStateError SIGN_STATE_DAMAGED  no version writes such bytes: stop
   */
  static restore(snapshot: Uint8Array): SignState {
    const state = new SignState();
    for (const record of decodeSnapshot(snapshot)) state.#records.set(idKey(record.id), record);
    return state;
  }

  /** SHA-256 of the snapshot, lower-case hex: two replicas that differ here have diverged. */
  hash(): string {
    return bytesToHex(sha256(this.snapshot()));
  }
}
