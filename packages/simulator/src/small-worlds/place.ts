/**
 * A replica at work on one move: what production's driver does around the core, with everything that it would await
 * made a move of its own.
 *
 * Owns    the driver's order: one input at a time; what a step wants to say is said when it is over; a promise when its
 *         receipt is durable; then what it committed is applied, in order, before anything else comes in.
 * Never   outlives its move. A promise that the disk does not bear out, or a broken invariant of production, ends it.
 * Rule    consensus/core-driver.ts and log-writer.ts, of which this is the synchronous twin.
 */
import type { Core, Input, Message, Outbox, PersistBatch, Receipt } from '@cometkms/consensus/core';
import { decodeCommand, type Reserve, type SigningRecord } from '@cometkms/sign-state';
import { copy, textOf } from './canonical.js';
import { placeNumber } from './contents.js';
import { appliedIn, type Disk, keyOf, written } from './disk.js';
import { type Belief, believe, forget } from './forgetting.js';
import { GateAtWork, type GateHands, type Release } from './gate-place.js';
import type { Rooms } from './opening.js';
import { unbacked } from './promises.js';
import type { Held, Replica } from './replica.js';

/** A rule of the world is broken; the search ends here. */
export class Broken extends Error {}

export interface Sent {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

export class Place implements GateHands {
  readonly sent: Sent[] = [];
  readonly releases: Release[] = [];
  readonly #rooms: Rooms;
  readonly #self: string;
  readonly #core: Core;
  readonly #before: Replica;
  readonly gate: GateAtWork | null;
  #disk: Disk;
  #pending: PersistBatch[];
  #held: Held[];
  #durable = 0;
  #applied: readonly string[];
  #record: SigningRecord | undefined;
  #lastTicket: number;
  #commitThrough: number;
  readonly #inputs: Input[] = [];
  readonly #sayings: { to: string; message: Message; after: number }[] = [];

  constructor(rooms: Rooms, replica: Replica) {
    this.#rooms = rooms;
    this.#self = replica.self;
    this.#core = copyOf(replica.core);
    this.#disk = replica.disk;
    this.#pending = [...replica.pending];
    this.#held = [...replica.held];
    this.#applied = replica.applied;
    this.#record = replica.record;
    this.#before = replica;
    this.#lastTicket = replica.lastTicket;
    this.#commitThrough = replica.core.commit;
    this.gate = replica.gate === null ? null : new GateAtWork(rooms, replica.gate, this);
  }

  get core(): Core {
    return this.#core;
  }

  get record(): SigningRecord | undefined {
    return this.#record;
  }

  /** The replica after the move. */
  left(proposals: readonly string[]): Replica {
    forget(this.#core, this.#durable);
    return {
      ...this.#before,
      core: this.#core,
      disk: this.#disk,
      pending: this.#pending.slice(this.#durable),
      held: this.#held.map((held) => ({ ...held, after: held.after - this.#durable })),
      applied: this.#applied,
      record: this.#record,
      gate: this.gate?.left() ?? null,
      proposals,
      lastTicket: this.#lastTicket,
    };
  }

  feed(input: Input, belief: Belief = 'nothing'): void {
    this.#inputs.push(input);
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      believe(this.#core, belief);
      this.#rooms.core.step(this.#core, 0, next, this.#outbox);
      for (const { to, message, after } of this.#sayings.splice(0)) this.#say(to, message, after);
      this.#apply();
    }
  }

  propose(command: Uint8Array): number {
    this.#lastTicket += 1;
    const ticket = this.#lastTicket;
    this.feed({ kind: 'propose', ticket, command });
    return ticket;
  }

  /** The next batches are on disk: what waited for them leaves, then the core hears of it. */
  sync(batches: number): void {
    for (const batch of this.#pending.slice(0, batches)) {
      const disk = written(this.#disk, batch);
      if (typeof disk === 'string') throw new Broken(disk);
      this.#disk = disk;
      this.#durable += 1;
      const ready = this.#held.filter(({ after }) => after <= this.#durable);
      this.#held = this.#held.filter(({ after }) => after > this.#durable);
      for (const { to, message, log } of ready) this.#leave(to, message, log);
    }
    this.feed({ kind: 'durable', through: this.#durable as Receipt });
  }

  /** The power goes; of what was pending, `kept` batches are on the disk. */
  diskAfterCrash(kept: number): Disk {
    let disk = this.#disk;
    for (const batch of this.#pending.slice(0, kept)) {
      const next = written(disk, batch);
      if (typeof next === 'string') throw new Broken(next);
      disk = next;
    }
    return disk;
  }

  readonly #outbox: Outbox = {
    persist: (batch) => {
      this.#pending.push(batch);
      return this.#pending.length as Receipt;
    },
    send: (to, message) => {
      this.#sayings.push({ to, message, after: 0 });
    },
    promise: (to, message, after) => {
      this.#sayings.push({ to, message, after });
    },
    commit: (through) => {
      this.#commitThrough = through;
    },
    restore: (snapshot) => {
      this.#applied = appliedIn(snapshot.state);
      this.#commitThrough = Math.max(this.#commitThrough, snapshot.index);
    },
    resolve: (ticket, outcome) => {
      this.gate?.resolved(ticket, outcome);
    },
    wakeAt: () => {},
    changed: () => {},
  };

  #say(to: string, said: Message, after: number): void {
    const message = 'round' in said ? { ...said, round: 0 } : said;
    const log = message.kind === 'appendReply' ? this.#log() : [];
    if (after <= this.#durable) this.#leave(to, message, log);
    else this.#hold({ to, message, after, log });
  }

  /** What was sent stays sent, so the same words held twice leave once, with the first. The order means nothing. */
  #hold(held: Held): void {
    const name = (each: Held): string => `${each.to} ${textOf(each.message, new Map())}`;
    const at = name(held);
    if (this.#held.some((each) => name(each) === at && each.after <= held.after)) return;
    this.#held = [...this.#held.filter((each) => name(each) !== at), held];
    this.#held.sort((a, b) => (name(a) < name(b) ? -1 : 1));
  }

  #leave(to: string, message: Message, log: readonly string[]): void {
    const wrong = unbacked(this.#disk, this.#self, to, message, log);
    if (wrong !== null) throw new Broken(wrong);
    this.sent.push({ from: this.#self, to, message });
  }

  /** As the core means it to be, from index 1 on. */
  #log(): readonly string[] {
    const { log, snapshot } = this.#core;
    const entries = log.slice(snapshot.index + 1, Number.POSITIVE_INFINITY);
    return [...appliedIn(snapshot.state), ...entries.map(keyOf)];
  }

  #apply(): void {
    if (this.#applied.length >= this.#commitThrough) return;
    while (this.#applied.length < this.#commitThrough) {
      const index = this.#applied.length + 1;
      const entry = this.#core.log.entryAt(index);
      if (entry === null) throw new Broken(`committed entry ${index} is in no log here`);
      this.#applied = [...this.#applied, keyOf(entry)];
      if (entry.kind === 'command' && this.gate !== null) {
        this.#applyCommand(entry.command, entry.term, index);
      }
    }
    this.#inputs.push({ kind: 'applied', through: this.#applied.length });
  }

  #applyCommand(bytes: Uint8Array, term: number, index: number): void {
    const command = decodeCommand(bytes) as Reserve;
    const before = this.#record?.last?.hrs;
    const { record, answer } = this.#rooms.applyCommand(this.#record, command);
    this.#record = record;
    if (answer.kind !== 'verdict') throw new Broken('a reservation was not answered by a verdict');
    if (
      answer.verdict.kind === 'granted' &&
      before !== undefined &&
      placeNumber(command.hrs) <= placeNumber(before)
    ) {
      throw new Broken(`granted at ${placeNumber(command.hrs)}, at or below an earlier grant`);
    }
    this.gate?.applied(answer.verdict, term, index);
  }
}

/** The settings, the snapshot and what is in the log are never changed: they need no copy. */
function copyOf(core: Core): Core {
  const { config, snapshot, ...rest } = core;
  return { ...copy(rest), config, snapshot };
}
