/**
 * How late the event loop runs what is due.
 *
 * Owns    one timer.
 * Never   keeps the process alive.
 */
import { performance } from 'node:perf_hooks';

const intervalMs = 50;

export class EventLoopLag {
  readonly #timer: NodeJS.Timeout;
  #due = performance.now() + intervalMs;

  constructor(observe: (lagMs: number) => void) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      observe(Math.max(0, now - this.#due));
      this.#due = now + intervalMs;
    }, intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
