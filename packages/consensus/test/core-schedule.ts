/**
 * What will happen in a simulated world, in order.
 *
 * Owns    a heap by time; what was added first goes first where times are equal.
 */
export interface Timed {
  readonly at: number;
}

export class Schedule<T extends Timed> {
  readonly #heap: { readonly order: number; readonly event: T }[] = [];
  #order = 0;

  add(event: T): void {
    this.#heap.push({ order: this.#order, event });
    this.#order += 1;
    for (let child = this.#heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfEarlier(child, parent)) return;
      child = parent;
    }
  }

  /** The next event up to `until`; null: none. */
  take(until: number): T | null {
    const first = this.#heap[0];
    if (first === undefined || first.event.at > until) return null;
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink();
    }
    return first.event;
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      const left = parent * 2 + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, parent)) return;
      parent = child;
    }
  }

  #isEarlier(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    if (first.event.at !== second.event.at) return first.event.at < second.event.at;
    return first.order < second.order;
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const [lower, upper] = [this.#heap[child], this.#heap[parent]];
    if (lower === undefined || upper === undefined || !this.#isEarlier(child, parent)) return false;
    this.#heap[child] = upper;
    this.#heap[parent] = lower;
    return true;
  }
}
