/**
 * The gate of one (key, chain): the only door through which a signature leaves.
 *
 * Owns    the promises, the queue, the timers, and the calls to store, watermark and key that step.ts asks for.
 * Never   decides what is released: each result goes into the step machine, with the ticket of its turn.
 * Rule    One request at a time, first in first out. Bytes are copied when they come in, so that nobody can change
 *         them between being judged and being reserved.
 * Proof   test/gate.test.ts, test/gate.property.test.ts (two gates, one store, whatever goes wrong)
 */
import { invariant, unreachable } from '@cometkms/invariant';
import { type RecordId, type Reserve, sameId } from '@cometkms/sign-state';
import { detailOf, SignerError } from '../errors.js';
import { type Verifier, verifierFor } from '../keys/verify.js';
import type {
  KeyBackend,
  Leadership,
  NotNow,
  ReservationStore,
  SignOutcome,
  SignRequest,
  Watermark,
} from '../seams.js';
import { type GateClock, systemClock } from './clock.js';
import type { GateAlarm, GateRules, Input, Output, Ticket } from './events.js';
import { type GateObserver, tellSafely } from './observer.js';
import { type GateState, idle, step } from './step.js';

export interface GateOptions {
  readonly id: RecordId;
  /** The name under which this replica's reservations are known. */
  readonly replica: string;
  readonly store: ReservationStore;
  readonly leadership: Leadership;
  readonly key: KeyBackend;
  readonly watermark: Watermark;
  /** Must end the process. Called at most once. */
  readonly fatal: (error: SignerError) => void;
  readonly observer?: GateObserver;
  /** For a turn, from its start; default 1000 ms. */
  readonly commitTimeoutMs?: number;
  /** Requests that may wait for their turn; one more is answered `busy`. Default 64. */
  readonly maxQueued?: number;
  readonly clock?: GateClock;
  /** Default: OpenSSL. */
  readonly verify?: Verifier;
}

/** A request from its arrival to its answer. */
interface Waiting {
  readonly ticket: Ticket;
  readonly request: SignRequest;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  readonly resolve: (outcome: SignOutcome) => void;
  cancelTimer: () => void;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #rules: GateRules;
  readonly #clock: GateClock;
  readonly #verify: Verifier;
  readonly #maxQueued: number;
  #state: GateState = idle;
  #lastTicket: Ticket = 0;
  /** The one that has the turn and is not yet answered. */
  #current: Waiting | null = null;
  #queue: Waiting[] = [];
  readonly #inputs: Input[] = [];
  #stepping = false;

  constructor(options: GateOptions) {
    const { id, key } = options;
    invariant(
      sameId(id, { chainId: id.chainId, key: key.publicKey }),
      'a gate signs with the key of its own record',
    );
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#verify = options.verify ?? verifierFor(id.key);
    this.#maxQueued = options.maxQueued ?? 64;
    this.#rules = {
      commitTimeoutMs: options.commitTimeoutMs ?? 1000,
      signsEarly: key.signsEarly,
    };
  }

  /** Requests that wait for their turn. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Whether any request has the turn or waits for it; a planned stop awaits its answer first. */
  get busy(): boolean {
    return this.#current !== null || this.#queue.length > 0;
  }

  /**
   * One signature, or why not. Never rejects.
   * @param deadlineMs on the gate's monotonic clock (`performance.now()`): an absolute time, so that waiting counts
   */
  sign(request: SignRequest, deadlineMs: number): Promise<SignOutcome> {
    const { id } = this.#options;
    invariant(sameId(request.id, id), 'a request comes to the gate of its own key and chain');
    invariant(Number.isFinite(deadlineMs), 'every request has a deadline', { deadlineMs });
    const copy: SignRequest = {
      id,
      hrs: { ...request.hrs },
      signBytes: new Uint8Array(request.signBytes),
      extensionSignBytes:
        request.extensionSignBytes === null ? null : new Uint8Array(request.extensionSignBytes),
    };
    const arrivedMs = this.#clock.nowMs();
    return new Promise((resolve) => {
      this.#lastTicket += 1;
      const ticket = this.#lastTicket;
      const cancelTimer = (): void => {};
      const waiting = { ticket, request: copy, arrivedMs, deadlineMs, resolve, cancelTimer };
      if (this.#queue.length >= this.#maxQueued) return this.#answer(waiting, this.#notNow('busy'));
      this.#enqueue(waiting);
      this.#startNext();
    });
  }

  // ---------------------------------------------------------------------------------- queue

  #enqueue(waiting: Waiting): void {
    const left = Math.max(0, waiting.deadlineMs - this.#clock.nowMs());
    waiting.cancelTimer = this.#clock.after(left, () => {
      this.#queue = this.#queue.filter((other) => other !== waiting);
      this.#answer(waiting, this.#notNow('timeout'));
    });
    this.#queue.push(waiting);
  }

  /** A loop, not a recursion: a request that is refused at once frees the turn for the next. */
  #startNext(): void {
    while (!this.#stepping && this.#free()) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      next.cancelTimer();
      this.#current = next;
      this.#feed(this.#requestOf(next));
    }
  }

  #free(): boolean {
    return this.#state.phase === 'idle' || this.#state.phase === 'stopped';
  }

  /** Leadership and applied state are read here and judged in the same synchronous stretch. */
  #requestOf({ ticket, request, arrivedMs, deadlineMs }: Waiting): Input {
    const { leadership, store, replica } = this.#options;
    const { id, hrs, signBytes, extensionSignBytes } = request;
    const at = this.#clock.wallMs();
    const asked: Reserve = { kind: 'reserve', id, hrs, signBytes, by: replica, at };
    const mayServe = leadership.mayServe();
    const record = store.read(id);
    return {
      kind: 'request',
      ticket,
      asked,
      extensionSignBytes,
      arrivedMs,
      deadlineMs,
      mayServe,
      record,
    };
  }

  // ----------------------------------------------------------------------------------- steps

  /** Inputs that arise while outputs are performed wait here: a step always sees the state it left. */
  #feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        const at = { nowMs: this.#clock.nowMs(), leader: this.#options.leadership.leader() };
        const { state, outputs } = step(this.#state, at, next, this.#rules);
        this.#state = state;
        for (const output of outputs) this.#perform(output);
      }
    } finally {
      this.#stepping = false;
    }
  }

  /** From a callback: the step, and then whoever can go next. */
  #resume(input: Input): void {
    this.#feed(input);
    this.#startNext();
  }

  #perform(output: Output): void {
    switch (output.kind) {
      case 'wakeAt':
        this.#wakeAt(output.ticket, output.deadlineMs);
        break;
      case 'reserve':
        void this.#reserve(output.ticket, output.asked);
        break;
      case 'mark':
        void this.#mark(output);
        break;
      case 'sign':
        this.#sign(output);
        break;
      case 'verify': {
        const { ticket, job, bytes, signature } = output;
        this.#feed({ kind: 'verified', ticket, job, good: this.#good(bytes, signature) });
        break;
      }
      case 'answer':
        this.#answerCurrent(output.ticket, output.outcome);
        break;
      case 'alarm':
        this.#alarm(output.alarm);
        break;
      case 'stop':
        this.#options.fatal(output.error);
        break;
      default:
        unreachable(output);
    }
  }

  #wakeAt(ticket: Ticket, deadlineMs: number): void {
    const current = this.#current;
    invariant(current?.ticket === ticket, 'a deadline is set for the turn that is held', {
      ticket,
    });
    const delayMs = Math.max(0, deadlineMs - this.#clock.nowMs());
    current.cancelTimer = this.#clock.after(delayMs, () => {
      this.#resume({ kind: 'deadline', ticket });
    });
  }

  async #reserve(ticket: Ticket, asked: Reserve): Promise<void> {
    const { id, hrs, signBytes, by, at } = asked;
    let input: Input;
    try {
      const result = await this.#options.store.reserve({ id, hrs, signBytes, by, at });
      input = { kind: 'reserved', ticket, result };
    } catch (error) {
      // The contract has no rejection. If one comes, the command may have been written all the same.
      input = { kind: 'reserved', ticket, result: { kind: 'unknown', detail: detailOf(error) } };
    }
    this.#resume(input);
  }

  async #mark(output: Extract<Output, { kind: 'mark' }>): Promise<void> {
    const { ticket, hrs, content } = output;
    let input: Input;
    try {
      const result = await this.#options.watermark.raise(hrs, content);
      input = { kind: 'marked', ticket, result };
    } catch (cause) {
      const facts = { path: this.#options.id.chainId, detail: detailOf(cause) };
      const error =
        cause instanceof SignerError
          ? cause
          : new SignerError('SIGNER_WATERMARK_FAILED', facts, { cause });
      input = { kind: 'markFailed', ticket, error };
    }
    this.#resume(input);
  }

  /** What a backend hands us may be of any shape: a verifier that cannot read it does not agree. */
  #good(bytes: Uint8Array, signature: Uint8Array): boolean {
    try {
      return this.#verify(bytes, signature);
    } catch {
      return false;
    }
  }

  /** An early signature takes its time only after reservation and mark are on their way. */
  #sign({ ticket, job, bytes }: Extract<Output, { kind: 'sign' }>): void {
    const run = async (): Promise<void> => {
      let input: Input;
      try {
        // Copied: what is verified must still be there when it is released.
        const signature = new Uint8Array(await this.#options.key.sign(bytes));
        input = { kind: 'signed', ticket, job, signature };
      } catch (error) {
        input = { kind: 'signFailed', ticket, job, detail: detailOf(error) };
      }
      this.#resume(input);
    };
    if (job === 'early') this.#clock.soon(() => void run());
    else void run();
  }

  // --------------------------------------------------------------------------------- answers

  #answerCurrent(ticket: Ticket, outcome: SignOutcome): void {
    const current = this.#current;
    invariant(current?.ticket === ticket, 'an answer goes to the request that has the turn', {
      ticket,
    });
    this.#current = null;
    this.#answer(current, outcome);
  }

  #answer(waiting: Waiting, outcome: SignOutcome): void {
    waiting.cancelTimer();
    waiting.resolve(outcome);
    const { observer } = this.#options;
    if (observer === undefined) return;
    const totalMs = this.#clock.nowMs() - waiting.arrivedMs;
    this.#clock.soon(() => {
      tellSafely(() => observer.answered?.(waiting.request, outcome, totalMs));
    });
  }

  #alarm(alarm: GateAlarm): void {
    const { observer } = this.#options;
    if (observer === undefined) return;
    this.#clock.soon(() => tellSafely(() => observer.alarm?.(alarm)));
  }

  #notNow(reason: NotNow['reason']): NotNow {
    return { kind: 'notNow', reason, leader: this.#options.leadership.leader() };
  }
}
