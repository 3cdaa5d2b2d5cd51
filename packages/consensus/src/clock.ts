/**
 * The time and the chance that a replica lives with.
 *
 * Owns    the contract of both, so that a simulated world can give its own, and the system's.
 * Never   tells the wall clock: a step of it must not move a deadline.
 * Proof   conformance/clock.ts runs on each implementation.
 */
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Monotonic, in milliseconds from any beginning. */
  nowMs(): number;
  /**
   * Not before `delayMs` have passed; after a stall perhaps long after. Of timers set at one moment those that
   * are overdue run in the order of their times. (Node may run two that were set at different moments the other
   * way round: it keeps a list for each delay, and empties one list before it looks at the next.)
   * @returns what cancels it
   */
  after(delayMs: number, run: () => void): () => void;
  /**
   * Soon, but after what had arrived from network and disk by then was handed over: so what runs here has seen
   * what a timer that was overdue after a stall had not.
   */
  soon(run: () => void): void;
}

/** Bytes that nobody can foretell: names of runs and clusters, and the seed of the timers. */
export type Entropy = (bytes: number) => Uint8Array;

/** Node runs a longer timer at once: such a one is set anew on the way. */
const longestDelayMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, run) => {
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const set = (leftMs: number): void => {
      timer = setTimeout(
        () => {
          // Node counts in whole milliseconds, both ends rounded down: it may come up to one too early.
          const earlyMs = dueMs - performance.now();
          if (earlyMs > 0) set(earlyMs);
          else run();
        },
        Math.min(Math.ceil(leftMs), longestDelayMs),
      );
    };
    set(delayMs);
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
};

export const systemEntropy: Entropy = (bytes) => randomBytes(bytes);
