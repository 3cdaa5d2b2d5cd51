/**
 * News of who leads, and of whether this replica may serve.
 *
 * Owns    what was told last, so that a change is told once, with what it changed from.
 * Never   tells within a step: a listener may ask or propose.
 * Proof   test/node-hand-over.test.ts, test/node-cluster.test.ts.
 */
import type { Clock } from './clock.js';
import type { MemberId, RoleChange } from './core/index.js';

export interface LeadershipListener {
  role(change: RoleChange & { readonly previous: MemberId | null }): void;
  serving(serving: boolean): void;
}

export class LeadershipNews {
  readonly #clock: Clock;
  readonly #listener: LeadershipListener;
  #leader: MemberId | null = null;
  #serving = false;

  constructor(clock: Clock, listener: LeadershipListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  changed(change: RoleChange): void {
    const previous = this.#leader;
    this.#leader = change.leader;
    this.#clock.soon(() => this.#listener.role({ ...change, previous }));
  }

  /** To be told before and after each step. */
  serves(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    this.#clock.soon(() => this.#listener.serving(serving));
  }
}
