/**
 * The wall clock of one replica, which may jump; the machine's clock and the monotonic one never do.
 *
 * Owns    the file from which libfaketime reads how far that replica's clock is off.
 * Never   is read by a replica at once: the library looks once a second.
 */
import { writeFileSync } from 'node:fs';

export const CLOCK_NOTICED_AFTER_MS = 1000;

export class WallClock {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.set(0);
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_CACHE_DURATION: `${CLOCK_NOTICED_AFTER_MS / 1000}`,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  /** @param offSeconds ahead of the machine's clock; negative: behind it */
  set(offSeconds: number): void {
    writeFileSync(this.#path, `${offSeconds < 0 ? '-' : '+'}${Math.abs(offSeconds)}\n`);
  }
}
