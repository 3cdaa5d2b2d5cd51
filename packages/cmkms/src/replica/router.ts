/**
 * The way of one sign request to whoever leads, and of the answer back.
 *
 * Owns    waiting for a leader within the second, handing the same bytes to a new one, and dropping what comes late:
 *         also what was asked for by the process before this one, which may come over the link of this one.
 * Never   signs, judges, or changes the bytes: any number of tries ask for one and the same content, which the
 *         log answers alike however often it is asked (granted once, repeated after).
 * Proof   test/replica-router.test.ts.
 */
import type { Entropy } from '@cometkms/consensus';
import type { RecordId } from '@cometkms/sign-state';
import type { SignOutcome, SignRequest } from '@cometkms/signer';
import type { ReplicaClock } from './edges.js';
import { LEADERLESS_HOLD_MS } from './link-plan.js';
import type { SignAnswer, SignAsk } from './message.js';

/** A gate, as the router needs it. */
export interface Signs {
  sign(request: SignRequest, deadlineMs: number): Promise<SignOutcome>;
}

export interface RouterWorld {
  readonly clock: ReplicaClock;
  readonly entropy: Entropy;
  /** This replica leads and may serve. */
  mayServe(): boolean;
  /** This replica leads, though perhaps it may not serve yet. */
  isLeader(): boolean;
  /** The leader's member id where another replica leads and its link is up. */
  reachableLeader(): string | null;
  leaderlessMs(): number;
  gate(id: RecordId): Signs | undefined;
  /** False: dropped, nothing was sent. */
  ask(leader: string, ask: SignAsk): boolean;
}

/** What became of a request, as far as this replica can tell. */
export type RoutedOutcome =
  | SignOutcome
  | { readonly kind: 'noQuorum'; readonly leaderlessMs: number };

export interface Routed {
  readonly outcome: RoutedOutcome;
  /** The member that answered; null: this replica, or nobody. */
  readonly answeredBy: string | null;
}

const notNow = (reason: 'notLeader' | 'unknown' | 'timeout'): SignOutcome => ({
  kind: 'notNow',
  reason,
  leader: null,
});

const isAskElsewhere = (outcome: SignOutcome): boolean =>
  outcome.kind === 'notNow' && outcome.reason === 'notLeader';

interface PendingAsk {
  readonly leader: string;
  readonly settle: (outcome: SignOutcome) => void;
}

export class Router {
  readonly #world: RouterWorld;
  readonly #pending = new Map<number, PendingAsk>();
  readonly #waiting = new Set<() => void>();
  #lastNumber: number | null = null;
  /** Counts changes, so that one which comes between looking and waiting is not missed. */
  #changes = 0;

  constructor(world: RouterWorld) {
    this.#world = world;
  }

  #now(): number {
    return this.#world.clock.nowMs();
  }

  /**
   * Asks whoever leads until there is a final answer or `deadlineMs` (monotonic) has passed.
   * Never rejects for what the world did.
   */
  async sign(request: SignRequest, validator: string, deadlineMs: number): Promise<Routed> {
    let unknown = false;
    while (this.#now() < deadlineMs) {
      const leaderlessMs = this.#world.leaderlessMs();
      if (leaderlessMs >= LEADERLESS_HOLD_MS) {
        return { outcome: { kind: 'noQuorum', leaderlessMs }, answeredBy: null };
      }
      const seen = this.#changes;
      const answeredBy = this.#world.mayServe() ? null : this.#world.reachableLeader();
      const outcome = await this.#tryOnce(answeredBy, request, validator, deadlineMs);
      if (outcome === null || isAskElsewhere(outcome)) {
        // Asking again before anything changed would get the same answer.
        await this.#changedSince(seen, deadlineMs);
      } else if (outcome.kind === 'notNow' && outcome.reason === 'unknown') {
        unknown = true;
      } else {
        // "Not now" was nobody's answer: whoever holds the link drops it, and says so.
        return { outcome, answeredBy: outcome.kind === 'notNow' ? null : answeredBy };
      }
    }
    return { outcome: notNow(unknown ? 'unknown' : 'timeout'), answeredBy: null };
  }

  /** One try at whoever leads now; null: nobody to ask. Runs on from the look at leadership without a pause. */
  async #tryOnce(
    leader: string | null,
    request: SignRequest,
    validator: string,
    deadlineMs: number,
  ): Promise<SignOutcome | null> {
    if (leader !== null) return await this.#askLeader(leader, request, validator, deadlineMs);
    return this.#world.mayServe() ? await this.#signHere(request, deadlineMs) : null;
  }

  async #signHere(request: SignRequest, deadlineMs: number): Promise<SignOutcome> {
    const gate = this.#world.gate(request.id);
    if (gate === undefined) {
      const detail = `chain ${request.id.chainId} with this key is not configured on the leader`;
      return { kind: 'refused', code: 'UNREGISTERED', detail };
    }
    return await gate.sign(request, deadlineMs);
  }

  #askLeader(
    leader: string,
    request: SignRequest,
    validator: string,
    deadlineMs: number,
  ): Promise<SignOutcome> {
    const number = this.#nextNumber();
    const budgetMs = deadlineMs - this.#now();
    return new Promise((resolve) => {
      const cancelTimer = this.#world.clock.after(budgetMs, () => settle(notNow('timeout')));
      const settle = (outcome: SignOutcome): void => {
        cancelTimer();
        this.#pending.delete(number);
        resolve(outcome);
      };
      this.#pending.set(number, { leader, settle });
      if (!this.#world.ask(leader, { kind: 'ask', number, request, validator, budgetMs })) {
        settle(notNow('notLeader'));
      }
    });
  }

  /**
   * The leader answers a member, by whatever link it has then. Counted from one, the numbers of a process that was
   * started again meanwhile would be those of its last life: beginning anywhere in 48 bits they are others, and
   * counting never reaches what a number holds exactly.
   */
  #nextNumber(): number {
    const last = this.#lastNumber ?? Buffer.from(this.#world.entropy(6)).readUIntBE(0, 6);
    this.#lastNumber = last + 1;
    return last + 1;
  }

  /**
   * A request that another member handed to us. Where this replica leads and cannot serve yet, it waits for
   * its barrier: sending the asker away would only bring it back.
   */
  async serve(request: SignRequest, deadlineMs: number): Promise<SignOutcome> {
    while (this.#now() < deadlineMs) {
      const seen = this.#changes;
      if (this.#world.mayServe()) return await this.#signHere(request, deadlineMs);
      if (!this.#world.isLeader()) return notNow('notLeader');
      await this.#changedSince(seen, deadlineMs);
    }
    return notNow('timeout');
  }

  /** An answer that nobody waits for any more is dropped: it must never reach another request. */
  answered(from: string, answer: SignAnswer): void {
    const pending = this.#pending.get(answer.number);
    if (pending?.leader === from) pending.settle(answer.outcome);
  }

  /** Leadership, service or a link between replicas changed. */
  changed(): void {
    const reachable = this.#world.reachableLeader();
    for (const pending of [...this.#pending.values()]) {
      // It may have committed there: only the same bytes are ever asked for again.
      if (pending.leader !== reachable) pending.settle(notNow('unknown'));
    }
    this.#changes += 1;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves once something changed after `seen` was read, or at the deadline. */
  #changedSince(seen: number, deadlineMs: number): Promise<void> {
    if (this.#changes !== seen) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        cancelTimer();
        this.#waiting.delete(wake);
        resolve();
      };
      const cancelTimer = this.#world.clock.after(deadlineMs - this.#now(), wake);
      this.#waiting.add(wake);
    });
  }
}
