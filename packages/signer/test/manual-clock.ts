/**
 * A gate's clock that moves only when a test says so.
 *
 * Owns    the timers that wait for it.
 * Never   waits in real time. `soon` is the platform's own, so that real promises and real files go on.
 */
import type { GateClock } from '../src/index.js';

export class ManualClock implements GateClock {
  #nowMs = 1000;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  /** Runs what is due, earliest first. */
  advance(byMs: number): void {
    this.#nowMs += byMs;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= this.#nowMs);
      const [first] = due.sort((a, b) => a.atMs - b.atMs);
      if (first === undefined) return;
      this.#timers = this.#timers.filter((other) => other !== first);
      first.run();
    }
  }

  get waiting(): number {
    return this.#timers.length;
  }
}
