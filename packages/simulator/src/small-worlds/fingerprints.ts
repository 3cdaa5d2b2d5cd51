/**
 * The states that were met: 64-bit fingerprints in typed arrays, and how each was reached.
 *
 * Owns    the table (open addressing, grown at two thirds), and for each state its parent.
 * Never   tells two states of one fingerprint apart. Among 10^8 states that happens somewhere with a chance of
 *         about 3 in 10,000 (n^2 / 2^65); what is missed then is one state and what only it leads to.
 */
const startSize = 1 << 16;

export class Fingerprints {
  /** Two words for each state, in the order of their numbers. */
  #words = new Int32Array(2 * startSize);
  #parents = new Int32Array(startSize);
  /** State number plus one; 0 is free. A power of two. */
  #slots = new Int32Array(startSize);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The number of the new state; -1 where it was met before. */
  add(high: number, low: number, parent: number): number {
    if (this.#count * 3 >= this.#slots.length * 2) this.#grow();
    const mask = this.#slots.length - 1;
    let slot = low & mask;
    for (let met = this.#slots[slot] ?? 0; met !== 0; met = this.#slots[slot] ?? 0) {
      if (this.#words[2 * met - 2] === high && this.#words[2 * met - 1] === low) return -1;
      slot = (slot + 1) & mask;
    }
    const state = this.#count;
    this.#count += 1;
    this.#slots[slot] = this.#count;
    this.#words[2 * state] = high;
    this.#words[2 * state + 1] = low;
    this.#parents[state] = parent;
    return state;
  }

  is(state: number, high: number, low: number): boolean {
    return this.#words[2 * state] === high && this.#words[2 * state + 1] === low;
  }

  /** From the first state to this one, both included. */
  wayTo(state: number): number[] {
    const way: number[] = [];
    for (let at = state; at >= 0; at = this.#parents[at] ?? -1) way.push(at);
    return way.reverse();
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const words = new Int32Array(slots.length * 2);
    words.set(this.#words.subarray(0, 2 * this.#count));
    const parents = new Int32Array(slots.length);
    parents.set(this.#parents.subarray(0, this.#count));
    const mask = slots.length - 1;
    for (let state = 0; state < this.#count; state += 1) {
      let slot = (words[2 * state + 1] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = state + 1;
    }
    this.#slots = slots;
    this.#words = words;
    this.#parents = parents;
  }
}
