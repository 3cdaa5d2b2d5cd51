/**
 * One replica on the stage: the real core, sign-state and gate; a disk and a clock that the director holds.
 *
 * Owns    the life of the process: start, pause, death; and the order within it: one input at a time, what a step says
 *         is said when it is over, then what it committed is applied (consensus/src/core-driver.ts does the same).
 * Never   decides when a message, a write or a timer arrives: stage.ts does.
 * Rule    rules 10, 11, 13, 16, 47.
 */
import {
  type Core,
  checkCoreConfig,
  createCore,
  type Entry,
  type Input,
  type MemberId,
  type Message,
  mayServe,
  type Outbox,
  type ProposalOutcome,
  type RecoveredLog,
  type RoleChange,
  type Snapshot,
  step,
  type Ticket,
} from '@cometkms/consensus/core';
import { InvariantViolation, invariant } from '@cometkms/invariant';
import {
  type Answer,
  type Command,
  decodeCommand,
  encodeCommand,
  SignState,
} from '@cometkms/sign-state';
import type { Committed } from '@cometkms/signer';
import type { SignatureTable } from '../keys.js';
import { deedOfRole, deedsOfWriting, describeBatch, describeCore, describeOff } from './deeds.js';
import { GateSeat, Mark } from './gate-seat.js';
import { LogDisk } from './log-disk.js';
import type { Oracle } from './oracle.js';
import { type Request, record } from './signing.js';
import type { Trace } from './trace.js';
import { describeMessage, isHeartbeat, placeOf } from './words.js';

/** Small, so that there is no jitter: ranks are 5 ms apart, and every deadline is exact. */
export const timers = { heartbeatIntervalMs: 5, electionTimeoutMs: 20, leaseMs: 16 } as const;
const bounds = { seed: 1, maxInflightAppends: 8, maxUncommittedBytes: 100_000 } as const;

export interface Surroundings {
  readonly trace: Trace;
  readonly oracle: Oracle;
  readonly keys: SignatureTable;
  readonly maxAppendBytes: number;
  now(): number;
  send(from: MemberId, to: MemberId, message: Message): void;
  /** After what is under way now, before any message. */
  soon(run: () => void): void;
}

type Answered = (result: Committed<Answer> | Extract<ProposalOutcome, { kind: 'refused' }>) => void;

export class Replica {
  readonly id: MemberId;
  readonly disk: LogDisk;
  readonly #around: Surroundings;
  readonly #mark = new Mark();
  #core: Core | null = null;
  #gate: GateSeat | null = null;
  #state = new SignState();
  #applied = 0;
  #commitThrough = 0;
  #wakeAt = Number.POSITIVE_INFINITY;
  #role: RoleChange['role'] = 'follower';
  #paused: (() => void)[] | null = null;
  /** How far its clock is behind the stage's: it stood still while the machine was suspended. */
  #lagMs = 0;
  #suspendedAt: number | null = null;
  #inputs: Input[] = [];
  #sayings: (() => void)[] = [];
  /** What the step under way wanted to say, and its disk is not ready for. */
  readonly #heldBack = new Map<string, MemberId[]>();
  #stepping = false;
  #lastTicket: Ticket = 0;
  #waiting = new Map<Ticket, Answered>();
  /** Committed here, and not applied yet. */
  #due = new Map<number, { readonly ticket: Ticket; readonly term: number }>();

  constructor(id: MemberId, founded: RecoveredLog, around: Surroundings) {
    this.id = id;
    this.disk = new LogDisk(founded);
    this.#around = around;
  }

  // ------------------------------------------------------------------------- life and death

  get isRunning(): boolean {
    return this.#core !== null;
  }

  get isPaused(): boolean {
    return this.#paused !== null;
  }

  /** Null: it is off. */
  get core(): Core | null {
    return this.#core;
  }

  /** On its own clock. */
  now(): number {
    return (this.#suspendedAt ?? this.#around.now()) - this.#lagMs;
  }

  get lagMs(): number {
    return this.#lagMs;
  }

  start(): void {
    const { maxAppendBytes } = this.#around;
    const verdict = checkCoreConfig({ ...timers, ...bounds, maxAppendBytes, self: this.id });
    invariant(verdict.ok, 'the timers of the stage are sound', { verdict });
    const log = this.disk.content;
    this.#state = SignState.restore(log.snapshot.state);
    this.#applied = log.snapshot.index;
    this.#commitThrough = log.snapshot.index;
    this.#role = 'follower';
    const core = createCore(verdict.config, log, this.now());
    this.#core = core;
    const member = log.snapshot.membership.voters.find(({ id }) => id === this.id);
    this.#gate = member?.witness === true ? null : this.#openGate(core);
    this.feed({ kind: 'wake' });
  }

  /** What was not on the disk is gone, and so is everything that waited for it. */
  die(): void {
    this.#core = null;
    this.#gate = null;
    this.#paused = null;
    this.#suspendedAt = null;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#inputs = [];
    this.#sayings = [];
    this.#waiting = new Map();
    this.#due = new Map();
    this.disk.lose();
  }

  /** @param clockToo  the whole machine stands still, and its monotonic clock with it */
  pause(clockToo: boolean): void {
    this.#paused ??= [];
    if (clockToo) this.#suspendedAt = this.#around.now();
  }

  /** What came meanwhile is read in the order of its coming; overdue timers run after it (docs/architecture.md). */
  resume(): void {
    const buffered = this.#paused ?? [];
    this.#paused = null;
    this.#lagMs += this.#suspendedAt === null ? 0 : this.#around.now() - this.#suspendedAt;
    this.#suspendedAt = null;
    for (const run of buffered) this.take(run);
    this.take(() => this.wake());
  }

  /** Something arrives: read now, or when the process runs again. */
  take(run: () => void): void {
    if (this.#core === null) return;
    if (this.#paused !== null) {
      this.#paused.push(run);
      return;
    }
    run();
    this.#around.trace.endOfDeeds();
  }

  /** On the stage's clock. */
  get deadline(): number {
    if (this.#core === null || this.#paused !== null) return Number.POSITIVE_INFINITY;
    return Math.min(this.#wakeAt, this.#gate?.deadline ?? Number.POSITIVE_INFINITY) + this.#lagMs;
  }

  wake(): void {
    if (this.now() >= this.#wakeAt) {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.feed({ kind: 'wake' });
    }
    this.#gate?.wake();
  }

  // ------------------------------------------------------------------------------- requests

  ask(request: Request): void {
    if (this.#gate === null) this.say('holds no key, and signs nothing');
    else this.#gate.ask(request);
  }

  holdKey(): void {
    this.#gate?.holdKey();
  }

  releaseKey(): void {
    this.#gate?.releaseKey();
  }

  propose(command: Command, answered: Answered): void {
    this.feed({ kind: 'propose', ticket: this.#open(answered), command: encodeCommand(command) });
  }

  change(change: Extract<Input, { kind: 'change' }>['change'], answered: Answered): void {
    this.feed({ kind: 'change', ticket: this.#open(answered), change });
  }

  compact(): void {
    this.feed({ kind: 'compact', index: this.#applied, state: this.#state.snapshot() });
  }

  // -------------------------------------------------------------------------------- the disk

  /** Everything that is under way, or its oldest write, is on the disk now. */
  finishWrites(all: boolean): void {
    if (this.disk.isIdle) return;
    for (let batch = this.disk.finishOne(); batch !== null; batch = this.disk.finishOne()) {
      if (this.disk.held) this.say(`has ${describeBatch(batch)} on disk`);
      if (!all) break;
    }
    const through = this.disk.keepPromises();
    this.feed({ kind: 'durable', through });
  }

  // --------------------------------------------------------------------------------- steps

  say(deed: string): void {
    this.#around.trace.say(this.id, deed);
  }

  feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        if (this.#core !== null) this.#step(this.#core, next);
      }
    } catch (error) {
      if (!(error instanceof InvariantViolation)) throw error;
      this.#stop(error.reason);
    } finally {
      this.#stepping = false;
    }
    if (!this.disk.held && !this.disk.isIdle) {
      this.#around.soon(() => this.take(() => this.finishWrites(true)));
    }
  }

  #step(core: Core, input: Input): void {
    step(core, Math.max(this.now(), core.lastNow), input, this.#outbox);
    for (const say of this.#sayings.splice(0)) say();
    for (const [words, to] of this.#heldBack) this.say(`holds back for ${to.join(', ')}: ${words}`);
    this.#heldBack.clear();
    this.#apply(core);
  }

  readonly #outbox: Outbox = {
    persist: (batch) => {
      for (const deed of deedsOfWriting(batch, this.id, this.#notYet)) this.say(deed);
      return this.disk.persist(batch);
    },
    send: (to, message) => {
      this.#sayings.push(() => this.#around.send(this.id, to, message));
    },
    promise: (to, message, after) => {
      this.#sayings.push(() => {
        if (this.disk.held && !this.disk.isDurable(after) && !isHeartbeat(message)) {
          const words = describeMessage(message);
          this.#heldBack.set(words, [...(this.#heldBack.get(words) ?? []), to]);
        }
        this.disk.promise(after, () => this.#around.send(this.id, to, message));
      });
    },
    commit: (through) => {
      this.#commitThrough = through;
    },
    restore: (snapshot) => this.#restore(snapshot),
    resolve: (ticket, outcome) => this.#onOutcome(ticket, outcome),
    wakeAt: (at) => {
      this.#wakeAt = at;
    },
    changed: (change) => this.#sayRole(change),
  };

  #restore({ term, index, state }: Snapshot): void {
    this.#state = SignState.restore(state);
    this.#applied = index;
    this.#commitThrough = Math.max(this.#commitThrough, index);
    this.say(`takes its state from the snapshot at ${term}:${index}`);
    for (const [at, { ticket }] of this.#due) if (at <= index) this.#unknown(ticket);
  }

  #apply(core: Core): void {
    if (this.#applied >= this.#commitThrough) return;
    const committed: Entry[] = [];
    for (let index = this.#applied + 1; index <= this.#commitThrough; index += 1) {
      const entry = core.log.entryAt(index);
      invariant(entry !== null, 'what is committed and not applied is in the log', { index });
      committed.push(entry);
    }
    this.say(`commits ${committed.map(placeOf).join(' ')}`);
    for (const entry of committed) {
      this.#around.oracle.committed(entry);
      const answer =
        entry.kind === 'command' ? this.#state.apply(decodeCommand(entry.command)) : null;
      this.#applied = entry.index;
      this.#inputs.push({ kind: 'applied', through: entry.index });
      this.#settle(entry, answer);
    }
  }

  // -------------------------------------------------------------------------------- outcomes

  #open(answered: Answered): Ticket {
    this.#lastTicket += 1;
    this.#waiting.set(this.#lastTicket, answered);
    return this.#lastTicket;
  }

  #close(ticket: Ticket, result: Parameters<Answered>[0]): void {
    const answered = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    answered?.(result);
  }

  #unknown(ticket: Ticket): void {
    this.#close(ticket, { kind: 'unknown', detail: 'leadership ended before it was decided' });
  }

  #onOutcome(ticket: Ticket, outcome: ProposalOutcome): void {
    if (outcome.kind === 'committed') this.#due.set(outcome.index, { ticket, term: outcome.term });
    else if (outcome.kind === 'unknown') this.#unknown(ticket);
    else this.#close(ticket, outcome);
  }

  /** Resolved by (term, index): whatever else stands at that index says nothing about this ticket. */
  #settle({ term, index }: Entry, answer: Answer | null): void {
    const due = this.#due.get(index);
    if (due === undefined) return;
    this.#due.delete(index);
    if (due.term !== term) {
      this.#unknown(due.ticket);
      return;
    }
    // A change of members has no answer but that it is committed.
    const unchanged = this.#state.read(record);
    const value: Answer | null =
      answer ??
      (unchanged === undefined ? null : { kind: 'done', changed: true, record: unchanged });
    if (value === null) this.#close(due.ticket, { kind: 'unknown', detail: 'no answer' });
    else this.#close(due.ticket, { kind: 'committed', value, proof: { term, index, commitMs: 0 } });
  }

  #openGate(core: Core): GateSeat {
    const seat = {
      id: this.id,
      now: () => this.now(),
      leader: () => core.leader,
      mayServe: () => mayServe(core, this.now()),
      read: () => this.#state.read(record),
      reserve: (asked: Command, answer: Parameters<GateSeatReserve>[1]) => {
        this.propose(asked, (result) => {
          invariant(result.kind !== 'refused', 'only a change of members is refused by the core');
          if (result.kind !== 'committed') return answer(result);
          const { value, proof } = result;
          invariant(value.kind === 'verdict', 'a reservation is answered by a verdict');
          return answer({ kind: 'committed', value: value.verdict, proof });
        });
      },
      say: (deed: string) => this.say(deed),
      released: (signed: Uint8Array) => this.#around.oracle.released(signed),
      stop: (why: string) => this.#stop(why),
    };
    return new GateSeat(seat, this.#mark, this.#around.keys);
  }

  #stop(why: string): void {
    this.say(`ends its process: not true that ${why}`);
    this.die();
  }

  // ----------------------------------------------------------------------------------- words

  get #notYet(): string {
    return this.disk.held ? ' (not on disk yet)' : '';
  }

  #sayRole(change: RoleChange): void {
    const deed = deedOfRole(this.#role, change, this.#notYet);
    this.#role = change.role;
    if (deed !== null) this.say(deed);
    if (change.reason === 'won') this.#around.oracle.leads(this.id, change.term);
  }

  /** For `show`. */
  describe(): string {
    return this.#core === null
      ? describeOff(this.disk.content)
      : describeCore(this.#core, this.now());
  }
}

type GateSeatReserve = ConstructorParameters<typeof GateSeat>[0]['reserve'];
