/**
 * A small world from one seed: cores on a virtual clock, with a network and disks that misbehave.
 *
 * Owns    time, delivery, crashes, pauses, and when a write becomes durable. Every core is the real
 *         one.
 * Never   a promise leaves it before its receipt is durable: that is the driver's part, played
 *         here. The oracle checks each one against the disk all the same.
 *
 * Network  loses, doubles, delays up to half a second, cuts one way or both; delivers after a
 *          restart.
 * Disk     writes what has gathered as one frame, all or nothing; a crash loses what was not
 *          written, and
 *         an unfinished frame with even odds. It never lies about a finished one, and forgets
 *         nothing.
 */
import assert from 'node:assert/strict';
import {
  type Core,
  checkCoreConfig,
  createCore,
  type Input,
  type Member,
  type MemberId,
  type MembershipChange,
  type Message,
  type Note,
  type Outbox,
  type PersistBatch,
  type PromiseMessage,
  type Receipt,
  rulesAt,
  standingOf,
  step,
  type Ticket,
} from '../src/core/index.js';
import { ChainedLog, chainOf, chainOfState, said, stateBytes, VirtualDisk } from './core-disk.js';
import { commandOf, Oracle } from './core-oracle.js';
import { Schedule, type Timed } from './core-schedule.js';

export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 1) >>> 0;
  }
  /** In [0, 1). */
  roll(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 2 ** 32;
  }
  chance(probability: number): boolean {
    return this.roll() < probability;
  }
  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.roll() * from.length)] ?? assert.fail('nothing to pick from');
  }
}

interface Promised {
  readonly to: MemberId;
  readonly message: PromiseMessage;
  readonly after: Receipt;
  readonly claim: number | null;
}

export interface Replica {
  readonly id: MemberId;
  readonly disk: VirtualDisk;
  /** null: down. */
  core: Core | null;
  /** Counts starts, so that what was meant for an earlier life is known as such. */
  life: number;
  /** What this life handed out to be written, as one log. */
  intended: ChainedLog;
  batches: { readonly receipt: Receipt; readonly batch: PersistBatch }[];
  writing: number;
  lastReceipt: number;
  durable: number;
  promised: Promised[];
  wakeNumber: number;
  pausedUntil: number;
  tickets: Ticket[];
  commit: number;
  applied: number;
  state: number;
}

interface Happening extends Timed {
  readonly replica: Replica | null;
  readonly late: boolean;
  readonly run: () => void;
}

export interface Weather {
  readonly loss: number;
  readonly doubling: number;
  readonly heavyDelay: number;
  readonly syncMs: number;
  /** The odds of a write that takes up to 400 ms longer. */
  readonly slowWrites: number;
}

export const calm: Weather = { loss: 0, doubling: 0, heavyDelay: 0, syncMs: 1, slowWrites: 0 };

export const memberOf = (id: MemberId): Member => ({
  ...{ id, name: id, address: `${id}:1`, witness: false },
});

export class World {
  readonly dice: Dice;
  readonly oracle = new Oracle();
  readonly replicas: readonly Replica[];
  readonly counts = {
    ...{ crashes: 0, truncations: 0, restores: 0, delivered: 0, stalls: 0 },
    ...{ rollbacks: 0, removedLeaders: 0 },
  };
  weather: Weather = calm;
  now = 0;
  readonly #cut = new Set<string>();
  readonly #events = new Schedule<Happening>();
  #nextTicket = 1;

  /** @param spares  replicas that are there and members of nothing yet: a change may take them in */
  constructor(seed: number, voters: number, learners = 0, spares = 0) {
    this.dice = new Dice(seed + 1);
    const length = voters + learners + spares;
    const names = Array.from({ length }, (_, n) => String.fromCharCode(97 + n));
    const members = names.slice(0, voters + learners).map(memberOf);
    const membership = { voters: members.slice(0, voters), learners: members.slice(voters) };
    const genesis = { index: 0, term: 0, membership, state: stateBytes(0) };
    this.replicas = names.map((id) => ({
      id,
      disk: new VirtualDisk(genesis),
      core: null,
      life: 0,
      intended: new ChainedLog(genesis),
      batches: [],
      writing: 0,
      lastReceipt: 0,
      durable: 0,
      promised: [],
      wakeNumber: 0,
      pausedUntil: 0,
      tickets: [],
      commit: 0,
      applied: 0,
      state: 0,
    }));
    for (const replica of this.replicas) this.start(replica);
  }

  // ------------------------------------------------------------------------------------ time

  runFor(ms: number): void {
    const until = this.now + ms;
    for (let event = this.#events.take(until); event !== null; event = this.#events.take(until)) {
      this.now = event.at;
      const pausedUntil = event.replica?.pausedUntil ?? 0;
      if (pausedUntil <= this.now) event.run();
      // What waits in the sockets is read before an overdue timer runs (docs/architecture.md, 4.5).
      else this.#push(pausedUntil + (event.late ? 0.001 : 0), event.replica, event.run, event.late);
    }
    this.now = until;
  }

  at(delayMs: number, run: () => void): void {
    this.#push(this.now + delayMs, null, run);
  }

  #push(at: number, replica: Replica | null, run: () => void, late = false): void {
    this.#events.add({ at, replica, late, run });
  }

  // ------------------------------------------------------------------------------- processes

  start(replica: Replica): void {
    const seed = replica.life * 31 + replica.id.charCodeAt(0);
    const verdict = checkCoreConfig({
      self: replica.id,
      heartbeatIntervalMs: 25,
      electionTimeoutMs: 120,
      leaseMs: 100,
      seed,
      maxInflightAppends: 4,
      maxAppendBytes: 100,
      maxUncommittedBytes: 2000,
    });
    assert.ok(verdict.ok);
    const recovered = replica.disk.recover();
    replica.life += 1;
    replica.intended = new ChainedLog(recovered.snapshot);
    replica.intended.apply({ entries: recovered.entries });
    replica.batches = [];
    replica.promised = [];
    replica.writing = 0;
    replica.lastReceipt = 0;
    replica.durable = 0;
    replica.tickets = [];
    replica.pausedUntil = 0;
    replica.commit = recovered.snapshot.index;
    replica.applied = recovered.snapshot.index;
    replica.state = chainOfState(recovered.snapshot.state);
    replica.core = createCore(verdict.config, recovered, this.now);
    this.tell(replica, { kind: 'wake' });
    for (const other of this.replicas) {
      this.tell(other, { kind: 'link', peer: replica.id, state: 'up' });
    }
  }

  crash(replica: Replica, closesLinks: boolean): void {
    if (replica.core === null) return;
    this.counts.crashes += 1;
    if (replica.writing > 0 && this.dice.chance(0.5)) this.#finishWrite(replica);
    replica.core = null;
    replica.life += 1;
    for (const other of this.replicas) {
      if (closesLinks && other !== replica) {
        this.#push(this.now + 0.2, other, () => {
          this.tell(other, { kind: 'link', peer: replica.id, state: 'closed' });
        });
      }
    }
  }

  pause(replica: Replica, ms: number): void {
    replica.pausedUntil = this.now + ms;
  }

  propose(replica: Replica): void {
    if (replica.core === null || replica.pausedUntil > this.now) return;
    const ticket = this.#nextTicket;
    this.#nextTicket += 1;
    replica.tickets.push(ticket);
    this.tell(replica, { kind: 'propose', ticket, command: commandOf(ticket) });
  }

  change(replica: Replica, change: MembershipChange): void {
    if (replica.core === null || replica.pausedUntil > this.now) return;
    const ticket = this.#nextTicket;
    this.#nextTicket += 1;
    replica.tickets.push(ticket);
    this.oracle.asked(ticket);
    this.tell(replica, { kind: 'change', ticket, change });
  }

  /** The next rules, or a hash of the state: only a leader writes it. */
  note(replica: Replica, raises: boolean): void {
    const { core, applied: at, state } = replica;
    if (core === null || replica.pausedUntil > this.now) return;
    const hash = Buffer.from(stateBytes(state)).toString('hex').padStart(64, '0');
    const note: Note = raises
      ? { kind: 'rules', version: rulesAt(core, core.log.lastIndex) + 1 }
      : { kind: 'stateHash', at, hash };
    this.tell(replica, { kind: 'note', note });
  }

  compact(replica: Replica): void {
    const { applied: index, state } = replica;
    this.tell(replica, { kind: 'compact', index, state: stateBytes(state) });
  }

  // ---------------------------------------------------------------------------------- network

  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(`${from}>${to}`);
  }

  mend(): void {
    this.#cut.clear();
  }

  /** No more faults; who is down starts again. What is under way still arrives. */
  heal(): void {
    this.mend();
    this.weather = calm;
    for (const replica of this.replicas) {
      replica.pausedUntil = 0;
      if (replica.core === null) this.start(replica);
    }
  }

  #post(from: Replica, to: MemberId, message: Message): void {
    const { loss, doubling, heavyDelay } = this.weather;
    const target = this.replicas.find((replica) => replica.id === to) ?? assert.fail('no such one');
    const copies = this.dice.chance(doubling) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.#cut.has(`${from.id}>${to}`) || this.dice.chance(loss)) continue;
      const heavy = this.dice.chance(heavyDelay) ? this.dice.roll() * 500 : 0;
      this.#push(this.now + 0.2 + this.dice.roll() + heavy, target, () => {
        this.counts.delivered += 1;
        this.tell(target, { kind: 'message', from: from.id, message });
      });
    }
  }

  // ------------------------------------------------------------------------------------ a step

  tell(replica: Replica, input: Input): void {
    const { core } = replica;
    if (core === null) return;
    const doNext: (() => void)[] = [];
    const termBefore = core.hard.term;
    const stallsBefore = core.stalls.count;
    step(core, this.now, input, this.#outboxOf(replica, doNext));
    assert.ok(core.hard.term >= termBefore, 'a term went back');
    const { intended } = replica;
    const { membership } = standingOf(core).inForce;
    const logged = intended.membershipAt(intended.lastIndex);
    assert.equal(said(membership), said(logged), 'the membership in force is the log’s last');
    this.counts.stalls += core.stalls.count - stallsBefore;
    for (const run of doNext) run();
    this.#startWrite(replica);
  }

  #outboxOf(replica: Replica, doNext: (() => void)[]): Outbox {
    return {
      persist: (batch) => {
        replica.lastReceipt += 1;
        const receipt = replica.lastReceipt as Receipt;
        replica.batches.push({ receipt, batch });
        this.#noteRollback(replica, batch);
        replica.intended.apply(batch);
        if (batch.truncateFrom !== undefined) this.counts.truncations += 1;
        this.oracle.wrote(replica.intended, batch.entries?.[0]?.index ?? Number.POSITIVE_INFINITY);
        return receipt;
      },
      send: (to, message) => doNext.push(() => this.#post(replica, to, message)),
      promise: (to, message, after) => {
        const promised = { to, message, after, claim: claimOf(message, replica.intended) };
        doNext.push(() => this.#keepOrLeave(replica, promised));
      },
      commit: (through) => this.#committed(replica, through, doNext),
      restore: (snapshot) => {
        this.counts.restores += 1;
        replica.state = chainOfState(snapshot.state);
        replica.commit = snapshot.index;
        replica.applied = snapshot.index;
        this.oracle.restored(snapshot, replica.state);
      },
      resolve: (ticket, outcome) => {
        replica.tickets = replica.tickets.filter((open) => open !== ticket);
        this.oracle.resolved(ticket, outcome, replica.intended);
      },
      wakeAt: (at) => {
        replica.wakeNumber += 1;
        const { wakeNumber, life } = replica;
        if (at === Number.POSITIVE_INFINITY) return;
        const wake = (): void => {
          if (replica.wakeNumber !== wakeNumber || replica.life !== life) return;
          this.tell(replica, { kind: 'wake' });
        };
        this.#push(Math.max(at, this.now), replica, wake, true);
      },
      changed: ({ role, term, reason }) => {
        if (reason === 'removed') this.counts.removedLeaders += 1;
        if (role === 'leader') this.oracle.elected(replica.id, term, replica.intended);
      },
    };
  }

  #noteRollback({ intended }: Replica, { truncateFrom }: PersistBatch): void {
    if (truncateFrom === undefined) return;
    const lost = intended.entries().filter(({ index }) => index >= truncateFrom);
    if (lost.some(({ kind }) => kind === 'membership')) this.counts.rollbacks += 1;
  }

  #committed(replica: Replica, through: number, doNext: (() => void)[]): void {
    assert.ok(through > replica.commit, 'a commit index went back');
    // Whoever commits first leads, so it is a majority of its own membership that must hold it.
    const { voters } = replica.intended.membershipAt(replica.intended.lastIndex);
    const ids = new Set(voters.map(({ id }) => id));
    const disks = this.replicas.filter(({ id }) => ids.has(id)).map(({ disk }) => disk);
    const term = replica.core?.hard.term ?? assert.fail('commits while down');
    this.oracle.committed(replica.intended, term, replica.commit, through, disks);
    replica.commit = through;
    doNext.push(() => {
      for (let index = replica.applied + 1; index <= through; index += 1) {
        const entry = replica.intended.entryAt(index) ?? assert.fail(`no entry ${index} to apply`);
        replica.state = chainOf(replica.state, entry);
      }
      replica.applied = through;
      this.tell(replica, { kind: 'applied', through });
    });
  }

  // ------------------------------------------------------------------------------------- disk

  #keepOrLeave(replica: Replica, promised: Promised): void {
    if (promised.after > replica.durable) {
      replica.promised.push(promised);
      return;
    }
    const { to, message, claim } = promised;
    this.oracle.left(replica.id, to, message, claim, replica.disk);
    this.#post(replica, to, message);
  }

  /** One frame at a time; what gathers meanwhile goes into the next. */
  #startWrite(replica: Replica): void {
    if (replica.writing > 0 || replica.batches.length === 0) return;
    replica.writing = replica.batches.length;
    const { life } = replica;
    const { syncMs, slowWrites } = this.weather;
    const ms =
      syncMs * this.dice.roll() + (this.dice.chance(slowWrites) ? this.dice.roll() * 400 : 0);
    this.#push(this.now + ms, replica, () => {
      if (replica.life !== life) return;
      const through = this.#finishWrite(replica);
      replica.durable = through;
      const leaving = replica.promised.filter(({ after }) => after <= through);
      replica.promised = replica.promised.filter(({ after }) => after > through);
      for (const promised of leaving) this.#keepOrLeave(replica, promised);
      this.tell(replica, { kind: 'durable', through });
    });
  }

  #finishWrite(replica: Replica): Receipt {
    const frame = replica.batches.splice(0, replica.writing);
    replica.writing = 0;
    replica.disk.write(frame.map(({ batch }) => batch));
    return frame.at(-1)?.receipt ?? assert.fail('an empty frame');
  }
}

/** The prefix that an acknowledgement vouches for; null: none, or one that is long compacted. */
function claimOf(message: PromiseMessage, log: ChainedLog): number | null {
  if (message.kind !== 'appendReply' || message.refused) return null;
  if (message.match < log.snapshot.index) return null;
  return log.chainAt(message.match) ?? assert.fail(`vouches for ${message.match}, has it not`);
}
