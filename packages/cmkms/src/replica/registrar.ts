/**
 * Carries out what `registration.ts` plans, one committed step at a time, while this replica leads.
 *
 * Owns    the pass over all chains that a new leader makes before it serves, and every later one.
 * Never   decides: a step is planned anew from the applied state after each commit.
 * Proof   test/replica-registrar.test.ts.
 */
import {
  type Hrs,
  idKey,
  type Limits,
  type RecordId,
  type StartingPoint,
} from '@cometkms/sign-state';
import type { Change, Committed, ReservationStore } from '@cometkms/signer';
import type { ReplicaClock } from './edges.js';
import type { Dismissal } from './message.js';
import {
  type MemberView,
  type MissingMember,
  planRegistration,
  type RegistrationStep,
} from './registration.js';

export type RegistrarNews =
  | { readonly kind: 'registered'; readonly id: RecordId; readonly start: StartingPoint }
  | { readonly kind: 'rejected'; readonly id: RecordId; readonly detail: string }
  | { readonly kind: 'waiting'; readonly id: RecordId; readonly missing: readonly MissingMember[] }
  | { readonly kind: 'raised'; readonly id: RecordId; readonly floor: Hrs; readonly from: string }
  | { readonly kind: 'alarm'; readonly id: RecordId; readonly from: string; readonly hrs: Hrs };

export interface RegistrarWorld {
  readonly clock: ReplicaClock;
  /** The term in which this replica leads with its barrier passed; null where it does not. */
  leadingTerm(): number | null;
  members(): readonly MemberView[];
  /** Limits of a newly registered chain. */
  limits(id: RecordId): Limits;
  dismiss(member: string, id: RecordId, reason: Dismissal['reason']): void;
  tell(news: RegistrarNews): void;
  /** The first pass of a term is done, or something was registered: requests may be served. */
  changed(): void;
}

/** A commit that did not come through in time is tried again: nothing else may change meanwhile. */
const RETRY_MS = 1000;

export class Registrar {
  readonly #world: RegistrarWorld;
  readonly #store: Pick<ReservationStore, 'registerChain' | 'raiseFloor' | 'read'>;
  #running = false;
  #again = false;
  #passedTerm: number | null = null;

  constructor(
    world: RegistrarWorld,
    store: Pick<ReservationStore, 'registerChain' | 'raiseFloor' | 'read'>,
  ) {
    this.#world = world;
    this.#store = store;
  }

  /** True once every state file that nobody but a plain node can have written has become a floor in this term. */
  passedIn(term: number): boolean {
    return this.#passedTerm === term;
  }

  /** A statement came or went, or leadership changed. */
  kick(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  /** One pass at a time: two would propose the same step twice. */
  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#again) {
        this.#again = false;
        const term = this.#world.leadingTerm();
        if (term === null) continue;
        const done = await this.#pass();
        if (!done) this.#world.clock.after(RETRY_MS, () => this.kick());
        if (done && this.#world.leadingTerm() === term && this.#passedTerm !== term) {
          this.#passedTerm = term;
          this.#world.changed();
        }
      }
    } finally {
      this.#running = false;
    }
  }

  /** @returns false where a commit did not come through: a later change will kick again */
  async #pass(): Promise<boolean> {
    for (const id of this.#statedIds()) {
      // Each commit changes what there is to plan; a handful of steps settles any chain.
      for (let planned = this.#next(id); planned !== undefined; planned = this.#next(id)) {
        if (!(await this.#commit(id, planned))) return false;
      }
      this.#report(id);
    }
    return true;
  }

  #statedIds(): readonly RecordId[] {
    const ids = this.#world
      .members()
      .flatMap((member) => member.statement?.chains.map((chain) => chain.id) ?? []);
    return [...new Map(ids.map((id) => [idKey(id), id])).values()];
  }

  #plan(id: RecordId): readonly RegistrationStep[] {
    return planRegistration(id, this.#store.read(id), this.#world.members());
  }

  #next(id: RecordId): Extract<RegistrationStep, { kind: 'register' | 'raiseFloor' }> | undefined {
    if (this.#world.leadingTerm() === null) return undefined;
    const step = this.#plan(id).find((s) => s.kind === 'register' || s.kind === 'raiseFloor');
    return step?.kind === 'register' || step?.kind === 'raiseFloor' ? step : undefined;
  }

  async #commit(
    id: RecordId,
    step: Extract<RegistrationStep, { kind: 'register' | 'raiseFloor' }>,
  ): Promise<boolean> {
    if (step.kind === 'raiseFloor') {
      // Nobody vouched for the old signer: its running on is what the cut-over guard is for.
      const raised = await this.#store.raiseFloor(id, step.floor, false);
      if (!this.#took(id, raised)) return false;
      this.#world.tell({ kind: 'raised', id, floor: step.floor, from: step.from });
      return true;
    }
    const registered = await this.#store.registerChain(id, step.start, this.#world.limits(id));
    if (!this.#took(id, registered)) return false;
    this.#world.tell({ kind: 'registered', id, start: step.start });
    this.#world.changed();
    return true;
  }

  /** A step that was rejected would be planned and rejected for ever: it ends the pass, and is told. */
  #took(id: RecordId, outcome: Committed<Change>): boolean {
    if (outcome.kind !== 'committed') return false;
    if (outcome.value.kind === 'done') return true;
    this.#world.tell({ kind: 'rejected', id, detail: outcome.value.detail });
    return false;
  }

  #report(id: RecordId): void {
    for (const step of this.#plan(id)) {
      if (step.kind === 'wait') this.#world.tell({ kind: 'waiting', id, missing: step.missing });
      if (step.kind === 'alarm') {
        this.#world.tell({ kind: 'alarm', id, from: step.from, hrs: step.hrs });
      }
      if (step.kind === 'dismiss') {
        for (const member of step.members) this.#world.dismiss(member, id, step.reason);
      }
    }
  }
}
