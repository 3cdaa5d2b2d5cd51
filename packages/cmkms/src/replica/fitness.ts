/**
 * Whether this replica should lead: a disk that runs full and a key that fails speak against it.
 *
 * Owns    the limits, and that a replica found unfit stays so until the cause is well over: at the edge it
 *         would else hand leadership to and fro.
 * Never   decides who leads instead, or when it is handed over (consensus), or what is signed meanwhile: a
 *         leader that nobody takes it from goes on.
 * Rule    docs/architecture.md, consensus 6.
 * Proof   test/replica-fitness.test.ts.
 */
import type { Log } from '../log/index.js';
import type { DiskStatus } from '../status.js';

/**
 * A key that failed is tried no earlier, unless it signs: a replica that does not lead is not asked to sign, so it
 * cannot learn that its key works again.
 */
export const KEY_HOLD_OFF_MS = 60_000;

export interface FitnessWorld {
  /** Monotonic milliseconds. */
  now(): number;
  setUnfit(reason: string | null): void;
  readonly log: Log;
}

export class Fitness {
  readonly #world: FitnessWorld;
  /** Those that fell below half of the minimum, until they have all of it again. */
  readonly #lowDisks = new Set<string>();
  /** By chain and key: when it failed last, and how. */
  readonly #failedKeys = new Map<string, { readonly at: number; readonly reason: string }>();
  #unfitSince: number | null = null;
  #reason: string | null = null;

  constructor(world: FitnessWorld) {
    this.#world = world;
  }

  /** To be told about once a second: time alone heals, too. */
  look(disks: readonly DiskStatus[]): void {
    for (const { path, freeBytes, minimumBytes } of disks) {
      if (freeBytes < minimumBytes / 2) this.#lowDisks.add(path);
      else if (freeBytes >= minimumBytes) this.#lowDisks.delete(path);
    }
    const { now } = this.#world;
    for (const [key, { at }] of this.#failedKeys) {
      if (now() - at >= KEY_HOLD_OFF_MS) this.#failedKeys.delete(key);
    }
    this.#judge();
  }

  /** @param key names chain and key, for this log */
  keyFailed(key: string, detail: string): void {
    this.#failedKeys.set(key, { at: this.#world.now(), reason: `${key}: ${detail}` });
    this.#judge();
  }

  keySigned(key: string): void {
    if (this.#failedKeys.delete(key)) this.#judge();
  }

  #judge(): void {
    const { log, now, setUnfit } = this.#world;
    const [failed] = this.#failedKeys.values();
    const [disk] = this.#lowDisks;
    const low = disk === undefined ? null : `${disk}: less than half of min_free_disk is free`;
    const reason = failed?.reason ?? low;
    if (reason === this.#reason) return;
    this.#reason = reason;
    setUnfit(reason);
    if (reason !== null) {
      this.#unfitSince ??= now();
      log('unfit', { reason });
    } else {
      log('fit_again', { for_ms: now() - (this.#unfitSince ?? now()) });
      this.#unfitSince = null;
    }
  }
}
