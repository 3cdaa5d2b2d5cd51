/**
 * Sign state as the state machine that consensus replicates.
 *
 * Owns    the applied state of this replica, and telling who wants to know that a record changed.
 * Never   answers differently from another replica: everything comes from the command's bytes.
 */
import {
  type Answer,
  decodeCommand,
  type RecordId,
  type SigningRecord,
  SignState,
} from '@cometkms/sign-state';

export class SigningStateMachine {
  #state = new SignState();
  /** Called after each applied command that may have changed a record, and for each after a restore. */
  onChanged: (id: RecordId) => void = () => {};

  /** @throws SignStateError for an unknown version: the process must stop, nothing may be skipped */
  apply(command: Uint8Array): Answer {
    const decoded = decodeCommand(command);
    const answer = this.#state.apply(decoded);
    if (answer.kind === 'done' ? answer.changed : answer.kind === 'verdict') {
      this.onChanged(decoded.id);
    }
    return answer;
  }

  snapshot(): Uint8Array {
    return this.#state.snapshot();
  }

  restore(bytes: Uint8Array): void {
    this.#state = SignState.restore(bytes);
    for (const record of this.#state.records()) this.onChanged(record.id);
  }

  read(id: RecordId): SigningRecord | undefined {
    return this.#state.read(id);
  }

  /** SHA-256 of `snapshot()`: the same on every replica that has applied as much. */
  hash(): string {
    return this.#state.hash();
  }

  records(): readonly SigningRecord[] {
    return this.#state.records();
  }
}
