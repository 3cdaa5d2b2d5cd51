/**
 * How often a costly answer is made: for all who ask at about the same time, once.
 *
 * Owns    the pause between two renderings. Whoever asks within it waits, and gets a fresh one.
 * Never   hands out an old answer.
 * Proof   test/http-pace.test.ts.
 */
import { performance } from 'node:perf_hooks';

export class Paced {
  #next: Promise<string> | null = null;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly pauseMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  render(make: () => Promise<string>): Promise<string> {
    this.#next ??= this.#make(make);
    return this.#next;
  }

  async #make(make: () => Promise<string>): Promise<string> {
    const waitMs = Math.max(0, this.#lastAt + this.pauseMs - this.now());
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    // From here on the answer is being made: who asks now could miss what happens next.
    this.#next = null;
    this.#lastAt = this.now();
    return make();
  }
}
