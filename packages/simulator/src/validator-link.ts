/**
 * A replica's link to a validator: the edge that stands for privval's connection, handshake and session.
 *
 * Owns    dialling while the link is held, one answer per request, and how an end looks at both ends.
 * Never   answers a request on another connection than the one that brought it; that is the session's rule, and
 *         whoever answers (the replica) is what the world examines.
 * Fault   Each way of the path takes its time and can be cut without a word. A process that is killed ends its
 *         connections with a FIN; one that loses its power, stands still or is cut off ends nothing.
 * Rule    privval/src/validator-link.ts for the states and the redial.
 */
import type { LinkEvents, LinkState, SignAnswer, SigningHandler } from '@cometkms/privval';
import type { EventLoop } from './event-loop.js';
import type { Random } from './random.js';
import { arrivals, type Timeline } from './timeline.js';
import type { Request, Signer, Validator } from './validator.js';

const redialMs = 500;
const dialTimeoutMs = 2000;
const activeForMs = 60_000;
/** From a whole request to its answer; then the session gives the link up. */
const answerDeadlineMs = 4500;
const idleTimeoutMs = 7000;
/** Ends that say that nothing comes from there. */
const silences: ReadonlySet<string> = new Set(['no connection in time', 'idle']);

/** The path between one replica and one validator, in both directions. */
export interface ValidatorPath {
  delayMs(): number;
  isCut(): boolean;
}

export interface ValidatorLinkWorld {
  readonly timeline: Timeline;
  readonly loop: EventLoop;
  readonly random: Random;
  readonly path: ValidatorPath;
  asked(request: Request): void;
  /** A typed error has left this replica. */
  refused(
    request: Request,
    answer: Extract<SignAnswer, { kind: 'refused' }>,
    askedAtMs: number,
  ): void;
  /** A signature has left this replica, whether it will arrive or not. */
  released(request: Request, answer: Extract<SignAnswer, { kind: 'signed' }>): void;
}

export class SimulatedValidatorLink {
  readonly #world: ValidatorLinkWorld;
  readonly #validator: Validator;
  readonly #handler: SigningHandler;
  readonly #events: LinkEvents;
  #held = false;
  #holdOffUntil = 0;
  #state: LinkState = 'idle';
  #connection: SimulatedConnection | null = null;
  #connectedAt: number | null = null;
  #cancelRedial: () => void = () => {};

  constructor(
    world: ValidatorLinkWorld,
    validator: Validator,
    handler: SigningHandler,
    events: LinkEvents,
  ) {
    this.#world = world;
    this.#validator = validator;
    this.#handler = handler;
    this.#events = events;
  }

  get address(): string {
    return this.#validator.address;
  }

  /** For how long the validator has talked on it, by the replica's own clock. */
  get connectedMs(): number {
    return this.#connectedAt === null ? 0 : this.#world.loop.nowMs() - this.#connectedAt;
  }

  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#dial();
  }

  release(): Promise<void> {
    this.#held = false;
    this.#cancelRedial();
    this.#connection?.end();
    this.#connection = null;
    this.#become('idle', 'released');
    return Promise.resolve();
  }

  reset(holdOffMs: number): void {
    this.#holdOffUntil = this.#world.loop.nowMs() + holdOffMs;
    this.#held = true;
    this.#lost(this.#connection, 'reset by us');
  }

  /** The process died: its kernel ends what is open, unless the machine went with it. */
  died(withTheMachine: boolean): void {
    if (!withTheMachine) this.#connection?.end();
    this.#connection = null;
  }

  // ------------------------------------------------------------------------------- dialling

  #dial(): void {
    const { loop } = this.#world;
    const wait = this.#holdOffUntil - loop.nowMs();
    if (wait > 0) {
      this.#become('dialing', 'holding off');
      this.#cancelRedial = loop.after(wait, () => this.#dial());
      return;
    }
    this.#become('dialing', 'dialling');
    const connection = new SimulatedConnection(this.#world, this.#validator, this.#handler, {
      opened: () => this.#become('handshaking', 'open'),
      spoke: (kind) => {
        this.#events.onRequest(kind);
        if (kind !== 'ping') this.#active();
        else if (this.#state !== 'active') this.#become('connected', 'it speaks');
      },
      ended: (why) => {
        if (silences.has(why)) this.#events.onSilent();
        this.#lost(connection, why);
      },
    });
    this.#connection = connection;
    connection.open();
  }

  #lost(connection: SimulatedConnection | null, why: string): void {
    if (connection !== this.#connection) return;
    connection?.end();
    this.#connection = null;
    this.#become('dialing', why);
    if (!this.#held) return;
    const jitter = this.#world.random.range(0.8, 1.2);
    this.#cancelRedial();
    this.#cancelRedial = this.#world.loop.after(redialMs * jitter, () => this.#dial());
  }

  #active(): void {
    this.#become('active', 'asked to sign');
    const connection = this.#connection;
    this.#world.loop.after(activeForMs, () => {
      if (this.#connection === connection && this.#state === 'active') {
        this.#become('connected', 'not asked lately');
      }
    });
  }

  #become(state: LinkState, detail: string): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state !== 'connected' && state !== 'active') this.#connectedAt = null;
    else this.#connectedAt ??= this.#world.loop.nowMs();
    this.#events.onState(state, detail);
  }
}

interface ConnectionEvents {
  opened(): void;
  spoke(kind: 'ping' | 'vote' | 'proposal'): void;
  ended(why: string): void;
}

class SimulatedConnection implements Signer {
  readonly #world: ValidatorLinkWorld;
  readonly #validator: Validator;
  readonly #handler: SigningHandler;
  readonly #events: ConnectionEvents;
  #open = false;
  /** As this side sees it. */
  #over = false;
  /** When what was sent last arrives: nothing overtakes it. */
  #lastToReplica = 0;
  #lastToValidator = 0;
  #cancelIdle: () => void = () => {};

  constructor(
    world: ValidatorLinkWorld,
    validator: Validator,
    handler: SigningHandler,
    events: ConnectionEvents,
  ) {
    this.#world = world;
    this.#validator = validator;
    this.#handler = handler;
    this.#events = events;
  }

  open(): void {
    const { loop } = this.#world;
    const cancel = loop.after(dialTimeoutMs, () => this.#finish('no connection in time'));
    this.#toReplica(this.#world.path.delayMs(), () => {
      if (this.#over) return;
      cancel();
      this.#open = true;
      this.#events.opened();
      this.#toValidator(() => this.#validator.connected(this));
    });
  }

  /** From this side. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelIdle();
    if (this.#open) this.#toValidator(() => this.#validator.ended(this));
  }

  // --------------------------------------------------------------------- from the validator

  ask(request: Request): void {
    this.#toReplica(0, () => void this.#answer(request));
  }

  ping(): void {
    this.#toReplica(0, () => this.#heard('ping'));
  }

  close(): void {
    this.#toReplica(0, () => this.#finish('the validator closed'));
  }

  // ----------------------------------------------------------------------------- the session

  #heard(kind: 'ping' | 'vote' | 'proposal'): void {
    if (this.#over) return;
    this.#cancelIdle();
    this.#cancelIdle = this.#world.loop.after(idleTimeoutMs, () => this.#finish('idle'));
    this.#events.spoke(kind);
  }

  async #answer(request: Request): Promise<void> {
    if (this.#over) return;
    this.#heard(request.kind);
    const askedAtMs = this.#world.timeline.now;
    this.#world.asked(request);
    const cancel = this.#world.loop.after(answerDeadlineMs, () => this.#finish('no answer'));
    const answer =
      request.kind === 'vote'
        ? await this.#handler.signVote(request, this.#world.loop.nowMs())
        : await this.#handler.signProposal(request, this.#world.loop.nowMs());
    cancel();
    if (this.#over || !this.#world.loop.alive) return;
    if (answer.kind === 'drop') {
      this.#finish(answer.reason);
      return;
    }
    if (answer.kind === 'signed') this.#world.released(request, answer);
    else this.#world.refused(request, answer, askedAtMs);
    this.#toValidator(() => this.#validator.answered(this, answer));
  }

  #finish(why: string): void {
    if (this.#over) return;
    this.end();
    this.#events.ended(why);
  }

  // -------------------------------------------------------------------------------- the path

  #toReplica(moreMs: number, run: () => void): void {
    const { loop, path, timeline } = this.#world;
    if (path.isCut()) return;
    this.#lastToReplica = Math.max(this.#lastToReplica, timeline.now + path.delayMs() + moreMs);
    loop.arrive(this.#lastToReplica - timeline.now, run);
  }

  /** What was sent arrives though the sender dies meanwhile. */
  #toValidator(run: () => void): void {
    const { timeline, path } = this.#world;
    if (path.isCut()) return;
    this.#lastToValidator = Math.max(this.#lastToValidator, timeline.now + path.delayMs());
    timeline.plan(this.#lastToValidator, arrivals, run);
  }
}
