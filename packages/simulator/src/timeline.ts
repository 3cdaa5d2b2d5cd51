/**
 * What happens next.
 *
 * Owns    simulated time, and the order of all that happens in it: by time, then by phase, then by the order in
 *         which it was planned. So one seed gives one history.
 * Never   reads a real clock, or runs two events without an end between them: what one has set going in promises
 *         is over before the next begins, as between two callbacks of Node.
 * Proof   test/timeline.test.ts.
 */

/** Of events at one moment: what a process of Node would run first (timers, then what arrived, then immediates). */
export type Phase = 0 | 1 | 2;
export const timers: Phase = 0;
export const arrivals: Phase = 1;
export const checks: Phase = 2;

interface Planned {
  readonly at: number;
  readonly phase: Phase;
  readonly order: number;
  run: (() => void) | null;
}

const isBefore = (x: Planned, y: Planned): boolean =>
  x.at !== y.at ? x.at < y.at : x.phase !== y.phase ? x.phase < y.phase : x.order < y.order;

/** Its continuations are microtasks, without what `queueMicrotask` wraps around each. */
const over = Promise.resolve();

/** Now and then the program itself must breathe: signals, and promises that nobody handled. */
const eventsPerBreath = 20_000;

export class Timeline {
  /** A binary heap: no event stands before its parent, the one at half its place. */
  readonly #heap: Planned[] = [];
  #cancelled = 0;
  #planned = 0;
  #now = 0;
  #count = 0;

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** How many events have happened. */
  get count(): number {
    return this.#count;
  }

  /**
   * @param at  not before now
   * @returns what cancels it
   */
  plan(at: number, phase: Phase, run: () => void): () => void {
    const event: Planned = { at: Math.max(at, this.#now), phase, order: this.#planned, run };
    this.#planned += 1;
    this.#push(event);
    return () => {
      if (event.run === null) return;
      event.run = null;
      this.#cancelled += 1;
      if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#sweep();
    };
  }

  /** The next one happens. False: nothing will ever happen again. */
  step(): boolean {
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      const { run } = next;
      if (run === null) {
        this.#cancelled -= 1;
        continue;
      }
      next.run = null;
      this.#now = next.at;
      this.#count += 1;
      run();
      return true;
    }
    return false;
  }

  /**
   * Lets events happen until `isOver` says so before one, or there are none.
   * @throws what an event throws
   */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let sinceBreath = 0;
      const soon = (): void => process.nextTick(turn);
      const turn = (): void => {
        try {
          if (isOver() || !this.step()) {
            resolve();
            return;
          }
        } catch (error) {
          reject(error);
          return;
        }
        sinceBreath += 1;
        if (sinceBreath < eventsPerBreath) {
          // Ticks run when no microtask is left: so all that the event set going in promises is over.
          void over.then(soon);
          return;
        }
        sinceBreath = 0;
        setImmediate(turn);
      };
      process.nextTick(turn);
    });
  }

  #push(event: Planned): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Planned;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = event;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child =
        right < heap.length && isBefore(heap[right] as Planned, heap[left] as Planned)
          ? right
          : left;
      if (!isBefore(heap[child] as Planned, last)) break;
      heap[at] = heap[child] as Planned;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  /** Timers that are set anew with each heartbeat would else fill the heap. */
  #sweep(): void {
    const kept = this.#heap.filter(({ run }) => run !== null);
    this.#heap.length = 0;
    this.#cancelled = 0;
    for (const event of kept) this.#push(event);
  }
}
