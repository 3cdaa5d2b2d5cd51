/**
 * The core's only randomness: a small seeded generator for the jitter of timers.
 *
 * Owns    one stream of numbers; the same seed gives the same stream.
 * Never   used for anything that must not be guessed.
 * Rule    mulberry32, by Tommy Ettinger (public domain).
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `limit`, both included. */
  upTo(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const fraction = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    return Math.floor(fraction * (limit + 1));
  }
}
