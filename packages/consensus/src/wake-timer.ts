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
export class WakeTimer {
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | null = null;
  #deadline = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** @param at  on the monotonic clock, in milliseconds; replaces the earlier one; infinite: none */
  arm(at: number): void {
    this.#deadline = at;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!Number.isFinite(at) || this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        setImmediate(() => this.#afterTheSockets());
      },
      Math.max(0, Math.ceil(at - performance.now())),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.arm(Number.POSITIVE_INFINITY);
  }

  #afterTheSockets(): void {
    // Armed anew meanwhile: that timer comes by itself.
    if (this.#stopped || this.#timer !== null) return;
    if (performance.now() >= this.#deadline) this.#wake();
    else this.arm(this.#deadline);
  }
}
