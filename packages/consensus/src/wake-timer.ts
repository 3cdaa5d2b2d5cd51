/**
 * The one timer of a replica.
 *
 * Owns    when the core is woken.
 * Never   wakes it before what waits in the sockets was read.
 * Rule    docs/architecture.md, consensus 5: a late wake proves nothing about peers. After a stall Node
 *         runs an overdue timer first (timers), then reads the sockets (poll), then runs immediates
 *         (check). So the timer only asks for an immediate; what was read meanwhile may have moved the
 *         deadline, and a fresh clock says whether it has passed.
 * Proof   test/wake-timer.test.ts.
 */
import type { Clock } from './clock.js';

export class WakeTimer {
  readonly #clock: Clock;
  readonly #wake: () => void;
  /** Cancels the one that is set. */
  #cancel: (() => void) | null = null;
  /** For when that one is set. */
  #setFor = Number.POSITIVE_INFINITY;
  #deadline = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** @param at  on the monotonic clock, in milliseconds; replaces the earlier one; infinite: none */
  arm(at: number): void {
    this.#deadline = at;
    const goes = Number.isFinite(at) && !this.#stopped;
    // With each message of a leader the deadline moves away. The timer that is set comes before it, and is then set
    // anew: so timers are made with deadlines that are met, not with messages.
    if (goes && this.#cancel !== null && this.#setFor <= at) return;
    this.#cancel?.();
    this.#cancel = null;
    if (!goes) return;
    this.#setFor = at;
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.nowMs()), () => {
      this.#cancel = null;
      // Too early by now: no look at the sockets before the deadline counts for it.
      if (this.#clock.nowMs() < this.#deadline) this.arm(this.#deadline);
      else this.#clock.soon(() => this.#afterTheSockets());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.arm(Number.POSITIVE_INFINITY);
  }

  #afterTheSockets(): void {
    // Armed anew meanwhile: that timer comes by itself.
    if (this.#stopped || this.#cancel !== null) return;
    if (this.#clock.nowMs() >= this.#deadline) this.#wake();
    else this.arm(this.#deadline);
  }
}
