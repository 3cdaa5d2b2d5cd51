/**
 * Chance, drawn from a seed.
 *
 * Owns    the streams of numbers that a world is drawn from.
 * Never   shares a stream: each part of the world has one by its name, so that a change in one part does not
 *         shift what another one draws.
 * Rule    sfc32 (Chris Doty-Humphrey, PractRand), three words of seed and a counter, twelve rounds of mixing.
 */

/** FNV-1a over UTF-16 units: only to tell names apart. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  readonly #seed: number;
  readonly #name: string;

  /** @param seed  a whole number from 0 to 2^53 - 1 */
  constructor(seed: number, name = '') {
    this.#seed = seed;
    this.#name = name;
    this.#a = seed >>> 0;
    this.#b = hashOf(name);
    this.#c = Math.floor(seed / 2 ** 32) >>> 0;
    for (let i = 0; i < 12; i += 1) this.next();
  }

  /** A stream of its own. The same name gives the same stream, however much was drawn here meanwhile. */
  fork(name: string): Random {
    return new Random(this.#seed, `${this.#name}/${name}`);
  }

  /** 32 bits. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 to below 1. */
  unit(): number {
    return this.next() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** A whole number from `low` to `high`, both possible. */
  between(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  range(low: number, high: number): number {
    return low + this.unit() * (high - low);
  }

  /** With this mean; now and then many times it. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.between(0, from.length - 1)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** Each order alike (Fisher, Yates). */
  shuffled<T>(from: readonly T[]): T[] {
    const all = [...from];
    for (let last = all.length - 1; last > 0; last -= 1) {
      const at = this.between(0, last);
      const [x, y] = [all[at] as T, all[last] as T];
      [all[at], all[last]] = [y, x];
    }
    return all;
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.next() & 0xff);
  }
}
