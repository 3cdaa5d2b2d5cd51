/**
 * The history of a world: as a hash of all of it, and the end of it in words.
 *
 * Owns    both. One seed gives one hash, or something in the world is not drawn from the seed.
 * Never   keeps more than the last lines.
 */
const kept = 400;

export class Trace {
  readonly #lines: string[] = [];
  readonly #now: () => number;
  readonly #echo: ((line: string) => void) | null;
  /** FNV-1a over all lines, twice 32 bits wide. */
  #high = 0x811c9dc5;
  #low = 0x1b873593;
  #count = 0;

  /** @param echo  hears each line as it comes */
  constructor(now: () => number, echo: ((line: string) => void) | null = null) {
    this.#now = now;
    this.#echo = echo;
  }

  add(line: string): void {
    const timed = `${timeOf(this.#now())}  ${line}`;
    for (let i = 0; i < timed.length; i += 1) {
      const unit = timed.charCodeAt(i);
      this.#high = Math.imul(this.#high ^ unit, 0x01000193);
      this.#low = Math.imul(this.#low ^ unit ^ this.#high, 0x85ebca6b);
    }
    this.#count += 1;
    this.#lines.push(timed);
    if (this.#lines.length > 2 * kept) this.#lines.splice(0, kept);
    this.#echo?.(timed);
  }

  get hash(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return `${hex(this.#high)}${hex(this.#low)}`;
  }

  get count(): number {
    return this.#count;
  }

  last(lines: number): readonly string[] {
    return this.#lines.slice(-lines);
  }
}

/** Facts as JSON, large numbers as text. */
export function wordsOf(facts: object): string {
  const flat: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(facts)) {
    // A function that JSON asks about each value costs more than all the rest: only where something lies deeper.
    if (typeof value === 'object' && value !== null) return JSON.stringify(facts, worded);
    flat[key] = worded(key, value);
  }
  return JSON.stringify(flat);
}

const worded = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}` : value;

/** Simulated time as `00:03:12.408`. */
export function timeOf(ms: number): string {
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  const seconds = Math.floor(ms / 1000);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${clock.map((part) => pad(part)).join(':')}.${pad(Math.floor(ms % 1000), 3)}`;
}
