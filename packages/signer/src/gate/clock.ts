/**
 * The time that a gate lives in.
 *
 * Owns    the three things that it asks of time, so that a simulated world can give its own.
 * Never   tells the wall clock's time as the monotonic one: a step of the former must not shorten a deadline.
 */

export interface GateClock {
  /** Monotonic, milliseconds. */
  nowMs(): number;
  /** Unix milliseconds; for messages to humans only. */
  wallMs(): number;
  /** @returns what cancels it */
  after(delayMs: number, run: () => void): () => void;
  /** Soon, but after what was already handed to network and disk. */
  soon(run: () => void): void;
}

export const systemClock: GateClock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    // Node runs a longer timer at once.
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
};
