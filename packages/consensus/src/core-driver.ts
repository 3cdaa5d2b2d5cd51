/**
 * The core at work: inputs in, outputs out, committed entries into the state machine.
 *
 * Owns    the order: one input at a time; what a step wants to say is said when it is over; promises when
 *         their receipt is durable; then what it committed is applied, in order, each by the rules in force at its
 *         place: inline, but no more than `applyEntries` at a time.
 * Never   knows links, hellos or founding.
 * Why     A new leader learns at one blow that its whole log is committed. Applied at one blow, that could take
 *         longer than an election timeout, in which it says nothing and the others elect anew. So the rest waits
 *         for a later turn of the event loop: between two, the sockets are read and overdue timers run. Nothing
 *         else is put off: what is committed is, whoever has applied it, and a leader serves nobody before its
 *         barrier is applied.
 * Rule    docs/architecture.md, consensus 2, 5 and 11; rules 10, 16, 47, 54.
 * Proof   test/node-*.test.ts.
 */
import { invariant, unreachable } from '@cometkms/invariant';
import type { Clock, Entropy } from './clock.js';
import { CommitTimes } from './commit-times.js';
import {
  type Core,
  type CoreConfig,
  checkCoreConfig,
  createCore,
  type Entry,
  type Input,
  type MemberId,
  type Membership,
  type MembershipChange,
  type Message,
  type Outbox,
  type ProposalOutcome,
  type RecoveredLog,
  type RoleChange,
  rulesAt,
  type Snapshot,
  step,
  type Ticket,
} from './core/index.js';
import type { DurableShowing } from './durable-showing.js';
import { ConsensusError } from './errors.js';
import type { LogWriter } from './log-writer.js';
import type { NodeEvents, StateMachine } from './node-contract.js';
import { PendingProposals, type Proposed } from './pending-proposals.js';
import { type RulesRange, raiseOf, requireLogApplies } from './rules-range.js';
import { requireEqual, StateChecks } from './state-checks.js';
import { WakeTimer } from './wake-timer.js';

export interface DriverWorld {
  send(to: MemberId, message: Message): void;
  changed(change: RoleChange): void;
  nameOf(id: MemberId | null): string | null;
  /** Of a member that is linked now; null: it is not, so nobody knows what it will be. */
  rulesOf(id: MemberId): RulesRange | null;
  /** Before each run of steps: a lease that ran out since the last one is news, though this one may renew it. */
  stepping(): void;
  /** After each run of steps. */
  stepped(): void;
  applied<E extends 'rulesRaised' | 'stateChecked' | 'committed'>(
    event: E,
    ...facts: NodeEvents[E]
  ): void;
  failed(error: unknown): void;
}

export interface DriverOptions<Answer> {
  readonly self: MemberId;
  readonly timers: Pick<CoreConfig, 'heartbeatIntervalMs' | 'electionTimeoutMs' | 'leaseMs'>;
  readonly stateMachine: StateMachine<Answer>;
  readonly snapshotEntries: number;
  readonly stateHashEntries: number;
  readonly applyEntries: number;
  readonly rules: RulesRange;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const bounds = {
  maxInflightAppends: 64,
  maxAppendBytes: 1024 * 1024,
  maxUncommittedBytes: 16 * 1024 * 1024,
} as const;

export class CoreDriver<Answer> {
  readonly #options: DriverOptions<Answer>;
  readonly #writer: LogWriter;
  readonly #showing: DurableShowing;
  readonly #world: DriverWorld;
  readonly #proposals: PendingProposals<Answer>;
  readonly #changes: PendingProposals<Membership>;
  readonly #checks: StateChecks;
  readonly #times = new CommitTimes();
  readonly #timer: WakeTimer;
  readonly #inputs: Input[] = [];
  /** What the step under way wants to say. */
  readonly #sayings: (() => void)[] = [];
  #core: Core | null = null;
  #applied = 0;
  #commitThrough = 0;
  #restored: Snapshot | null = null;
  #stepping = false;
  /** Committed entries wait to be applied in a turn of their own. */
  #behind = false;
  #ended = false;

  constructor(
    options: DriverOptions<Answer>,
    writer: LogWriter,
    showing: DurableShowing,
    world: DriverWorld,
  ) {
    this.#options = options;
    this.#writer = writer;
    this.#showing = showing;
    this.#world = world;
    let lastTicket = 0;
    const nextTicket = (): Ticket => {
      lastTicket += 1;
      return lastTicket;
    };
    this.#proposals = new PendingProposals(options.clock, nextTicket);
    this.#changes = new PendingProposals(options.clock, nextTicket);
    const { stateMachine, stateHashEntries } = options;
    this.#checks = new StateChecks(stateHashEntries, () => stateMachine.hash());
    this.#timer = new WakeTimer(options.clock, () => this.feed({ kind: 'wake' }));
  }

  /** null until this replica has joined. */
  get core(): Core | null {
    return this.#core;
  }

  /**
   * From what is on disk.
   * @throws ConsensusError CONSENSUS_RULES_UNKNOWN
   */
  run(log: RecoveredLog): void {
    const { self, timers, stateMachine, rules, clock, entropy } = this.#options;
    requireLogApplies(rules, log);
    const seed = Buffer.from(entropy(4)).readUInt32LE();
    const verdict = checkCoreConfig({ ...timers, ...bounds, self, seed });
    invariant(verdict.ok, 'timers were checked with the configuration', { verdict });
    stateMachine.restore(log.snapshot.state);
    this.#applied = log.snapshot.index;
    this.#checks.reached(this.#applied);
    this.#commitThrough = log.snapshot.index;
    this.#showing.recovered(log);
    this.#core = createCore(verdict.config, log, clock.nowMs());
  }

  /** `command` is kept: the caller copied it. */
  propose(command: Uint8Array, timeoutMs: number): Promise<Proposed<Answer>> {
    if (this.#ended || this.#core === null) {
      return Promise.reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null }));
    }
    const { ticket, outcome } = this.#proposals.open(timeoutMs);
    this.feed({ kind: 'propose', ticket, command });
    return outcome;
  }

  /** Resolves with the membership that it made, once that is committed and applied here. */
  async change(change: MembershipChange, timeoutMs: number): Promise<Membership> {
    if (this.#ended || this.#core === null) {
      throw new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null });
    }
    const { ticket, outcome } = this.#changes.open(timeoutMs);
    this.feed({ kind: 'change', ticket, change });
    return (await outcome).answer;
  }

  /** Inputs that arise within a step wait their turn, so that each step sees the state it left. */
  feed(input: Input): void {
    if (this.#ended || this.#core === null) return;
    this.#inputs.push(input);
    if (!this.#stepping) this.#run(this.#core);
  }

  #run(core: Core): void {
    this.#stepping = true;
    try {
      this.#world.stepping();
      this.#apply(core);
      this.#drain(core);
      const { rules } = this.#options;
      const note = raiseOf(core, rules, (id) => this.#world.rulesOf(id));
      // Once per run of steps: what the core does not take now is offered with the next one.
      if (note !== null) this.#inputs.push({ kind: 'note', note });
      this.#drain(core);
    } catch (error) {
      this.#world.failed(error);
    } finally {
      this.#stepping = false;
    }
    this.#world.stepped();
  }

  /** From here on nothing is stepped or said. */
  end(why: string): void {
    this.#ended = true;
    this.#timer.stop();
    this.#inputs.length = 0;
    this.#sayings.length = 0;
    this.#proposals.abandon(why);
    this.#changes.abandon(why);
  }

  #drain(core: Core): void {
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      this.#step(core, next);
    }
  }

  #step(core: Core, input: Input): void {
    const { clock } = this.#options;
    const now = Math.max(clock.nowMs(), core.lastNow);
    const { lastIndex } = core.log;
    step(core, now, input, this.#outbox);
    // Only now: a step that ends in a broken invariant says nothing.
    for (const say of this.#sayings.splice(0)) say();
    const said = clock.nowMs();
    // A state that cannot be restored ends this replica before it takes the place of the log on the disk.
    if (this.#restored !== null) this.#restore(this.#restored);
    // On its way before anything is applied: what waits for this write shall not wait for that as well.
    this.#writer.kick();
    if (input.kind === 'propose' && core.log.lastIndex > lastIndex) {
      this.#times.begun(core.log.lastIndex, now);
      this.#times.proposed(core.log.lastIndex, said);
    }
    this.#times.follow(core, now);
    this.#apply(core);
  }

  readonly #outbox: Outbox = {
    persist: (batch) => {
      const receipt = this.#writer.persist(batch);
      this.#showing.handedOut(receipt, batch);
      return receipt;
    },
    send: (to, message) => {
      this.#sayings.push(() => this.#world.send(to, message));
    },
    promise: (to, message, after) => {
      this.#sayings.push(() => this.#writer.promise(after, () => this.#world.send(to, message)));
    },
    commit: (through) => {
      this.#commitThrough = through;
    },
    restore: (snapshot) => {
      this.#restored = snapshot;
    },
    resolve: (ticket, outcome) => this.#onOutcome(ticket, outcome),
    wakeAt: (at) => this.#timer.arm(at),
    changed: (change) => this.#world.changed(change),
  };

  #restore(snapshot: Snapshot): void {
    this.#restored = null;
    this.#options.stateMachine.restore(snapshot.state);
    this.#applied = snapshot.index;
    this.#checks.reached(this.#applied);
    this.#commitThrough = Math.max(this.#commitThrough, snapshot.index);
    this.#proposals.passedOver(snapshot.index);
    this.#changes.passedOver(snapshot.index);
  }

  #apply(core: Core): void {
    if (this.#behind || this.#applied >= this.#commitThrough) return;
    const { stateMachine, snapshotEntries, applyEntries, clock } = this.#options;
    const through = Math.min(this.#commitThrough, this.#applied + applyEntries);
    while (this.#applied < through) {
      const index = this.#applied + 1;
      const entry = core.log.entryAt(index);
      invariant(entry !== null, 'what is committed and not applied is in the log', { index });
      const { kind, term } = entry;
      const rules = rulesAt(core, this.#applied);
      const answer =
        kind === 'command'
          ? { value: stateMachine.apply(entry.command, { term, index, rules }) }
          : null;
      this.#note(entry, rules);
      this.#applied = index;
      this.#proposals.applied(term, index, answer);
      const time = this.#times.applied(index, clock.nowMs());
      if (time !== null) this.#world.applied('committed', time);
      this.#changes.applied(
        term,
        index,
        kind === 'membership' ? { value: entry.membership } : null,
      );
      const note = this.#checks.reached(index);
      // Nobody but a leader writes it: the core looks to that.
      if (note !== null) this.#inputs.push({ kind: 'note', note });
    }
    this.#inputs.push({ kind: 'applied', through: this.#applied });
    if (this.#applied - core.snapshot.index >= snapshotEntries) {
      const state = stateMachine.snapshot();
      this.#inputs.push({ kind: 'compact', index: this.#applied, state });
    }
    if (this.#applied === this.#commitThrough) return;
    this.#behind = true;
    clock.soon(() => {
      this.#behind = false;
      if (!this.#ended) this.#run(core);
    });
  }

  /** What a leader wrote of its own accord. @param before  the rules in force where it stands */
  #note(entry: Entry, before: number): void {
    if (entry.kind === 'rules') {
      const { version, index } = entry;
      invariant(version > before, 'the version of the rules rises along a log', { index, version });
      this.#world.applied('rulesRaised', { version, index });
    } else if (entry.kind === 'stateHash') {
      const check = this.#checks.compare(entry);
      // Told first: what ends this replica is to be read in its log and its metrics.
      this.#world.applied('stateChecked', check);
      requireEqual(check);
    }
  }

  /** A ticket is one list's or the other's; of another's it is not known, and nothing happens. */
  #onOutcome(ticket: Ticket, outcome: ProposalOutcome): void {
    for (const pending of [this.#proposals, this.#changes]) {
      if (!pending.has(ticket)) continue;
      switch (outcome.kind) {
        case 'committed':
          pending.committed(ticket, outcome.term, outcome.index, this.#applied);
          break;
        case 'notLeader':
          pending.notLeader(ticket, this.#world.nameOf(outcome.leader));
          break;
        case 'unknown':
          pending.unknown(ticket, 'leadership ended before it was decided');
          break;
        case 'refused':
          pending.refused(ticket, outcome.refusal);
          break;
        default:
          unreachable(outcome);
      }
    }
  }
}
