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
   * Not before `delayMs` have passed; after a stall perhaps long after. Two that are due run in the order of
   * their times.
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

/** Node runs a longer timer at once. */
const longestDelayMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(Math.ceil(delayMs), longestDelayMs));
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
};

export const systemEntropy: Entropy = (bytes) => randomBytes(bytes);
