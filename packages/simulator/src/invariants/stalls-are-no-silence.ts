/**
 * A leader that stood still does not give up for silence before it has heard what was said meanwhile.
 *
 * Source  docs/architecture.md, consensus 7: a late wake proves nothing about peers. Only a stall much longer than an
 *         election is judged, and only the first moments after it: a clock may be twice as fast as the world.
 */
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { membershipOf } from '../shadow-log.js';
import { Violation } from '../violation.js';

interface Stall {
  readonly start: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export class StallsAreNoSilence implements Invariant {
  readonly promise = 'a leader that stood still takes that time for nobody’s silence';
  readonly #now: () => number;
  readonly #stalls = new Map<string, Stall>();
  readonly #leading = new Map<string, { readonly start: number; readonly term: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  stalled({ replica, start }: At, untilMs: number): void {
    const now = this.#now();
    const before = this.#stalls.get(replica);
    const goesOn = before?.start === start && before.untilMs >= now;
    this.#stalls.set(replica, {
      start,
      fromMs: goesOn ? before.fromMs : now,
      untilMs: Math.max(untilMs, goesOn ? before.untilMs : 0),
    });
  }

  stepped({ replica, id, start }: At, core: Core): void {
    const { role, hard, config } = core;
    const led = this.#leading.get(replica);
    if (role.kind === 'leader') {
      if (led?.start !== start || led.term !== hard.term)
        this.#leading.set(replica, { start, term: hard.term });
      return;
    }
    this.#leading.delete(replica);
    // A later term ends it at once, and rightly.
    if (led?.start !== start || led.term !== hard.term) return;
    // So does its own removal, of which it hears when it wakes.
    if (!membershipOf(core).voters.some((voter) => voter.id === id)) return;
    const stall = this.#stalls.get(replica);
    if (stall?.start !== start) return;
    const { electionTimeoutMs } = config;
    const stoodMs = stall.untilMs - stall.fromMs;
    const sinceMs = this.#now() - stall.untilMs;
    if (stoodMs < 2 * electionTimeoutMs || sinceMs < 0 || sinceMs > electionTimeoutMs / 8) return;
    throw new Violation(
      this.promise,
      `${replica} stood still for ${Math.round(stoodMs)} ms, and gives up term ${hard.term} ${Math.round(sinceMs)} ms later`,
    );
  }
}
