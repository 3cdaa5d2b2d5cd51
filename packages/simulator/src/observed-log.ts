/**
 * What a replica's log was given and what of it the log has acknowledged, seen from outside.
 *
 * Owns    the record of both, beside the production log and over all of its starts.
 * Never   changes what the log is given or answers.
 */
import type { LogBatch, LogStorage, RecoveredStorage } from '@cometkms/consensus';

export interface LogObserver {
  /** Read back at a start. */
  opened(recovered: RecoveredStorage): void;
  /** Handed to the log, which may or may not have it on disk from now on. */
  begun(batches: readonly LogBatch[]): void;
  /** The log says that it has it on disk: before any promise that waits for it leaves. */
  acknowledged(batches: readonly LogBatch[]): void;
}

export class ObservedLog implements LogStorage {
  readonly #log: LogStorage;
  readonly #observer: LogObserver;

  constructor(log: LogStorage, observer: LogObserver) {
    this.#log = log;
    this.#observer = observer;
  }

  async open(): Promise<RecoveredStorage> {
    const recovered = await this.#log.open();
    this.#observer.opened(recovered);
    return recovered;
  }

  async append(batches: readonly LogBatch[]): Promise<void> {
    this.#observer.begun(batches);
    await this.#log.append(batches);
    this.#observer.acknowledged(batches);
  }

  stats(): { readonly bytes: number; readonly lastSyncMs: number } {
    return this.#log.stats();
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
