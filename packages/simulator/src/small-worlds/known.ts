/**
 * Replicas and messages under numbers: each one that was ever met, once, with what each move makes of it.
 *
 * Owns    that production runs once for each replica and move, however many states of the world share them. That is
 *         what makes a search of millions of states one of thousands of steps; and it is sound because a step is a
 *         function of the replica and the move alone.
 * Never   sees a whole world.
 */
import type { Message } from '@cometkms/consensus/core';
import { InvariantViolation } from '@cometkms/invariant';
import { digest, type Renaming, textOf } from './canonical.js';
import { appliedIn, keyOf, keysOn } from './disk.js';
import type { Release } from './gate-place.js';
import { crashes, deliveries, isCampaign, isRequest, type Move, make, ownMoves } from './moves.js';
import type { Rooms } from './opening.js';
import { Broken, type Sent } from './place.js';
import type { Replica } from './replica.js';
import type { World } from './worlds.js';

/** What one move makes of one replica. */
export interface Edge {
  readonly move: Move;
  readonly to: number;
  /** Numbers of messages. */
  readonly sent: readonly number[];
  readonly releases: readonly Release[];
  /** It begins to lead in this move. */
  readonly leads: boolean;
  readonly applied: boolean;
  readonly wrote: boolean;
  /** One of these: the history is to be asked. */
  readonly told: boolean;
  /** What may never happen and did; the rest then says nothing. */
  readonly broken: string | null;
}

export interface KnownReplica extends Standing {
  readonly replica: Replica;
  readonly place: number;
  readonly onDisk: readonly string[];
  readonly onDiskText: string;
  own: readonly Edge[] | null;
  crashes: readonly Edge[] | null;
  readonly deliveries: Map<number, readonly Edge[]>;
}

export interface KnownMessage extends Sent {
  readonly receiver: number;
  readonly sender: number;
}

/** Constant in a world, or a function of the rest; and names stand in an order in a membership. */
const derived: ReadonlySet<string> = new Set([
  ...['config', 'random', 'membership', 'record', 'firstRecord', 'rules', 'id'],
]);

export class Known {
  readonly replicas: KnownReplica[] = [];
  readonly messages: KnownMessage[] = [];
  /** By message: the place of whom it is for. */
  readonly receivers: number[] = [];
  /** Two words for each renaming of each replica, message. */
  readonly replicaWords: number[] = [];
  readonly messageWords: number[] = [];
  steps = 0;
  readonly #rooms: Rooms;
  readonly #world: World;
  readonly #names: readonly string[];
  readonly #renamings: readonly Renaming[];
  readonly #replicaNumbers = new Map<string, number>();
  readonly #messageNumbers = new Map<string, number>();

  constructor(
    rooms: Rooms,
    world: World,
    names: readonly string[],
    renamings: readonly Renaming[],
  ) {
    this.#rooms = rooms;
    this.#world = world;
    this.#names = names;
    this.#renamings = renamings;
  }

  numberOf(replica: Replica): number {
    const met = this.#replicaNumbers;
    const found = numberIn(met, this.replicaWords, this.#renamings, replica, this.replicas.length);
    if (found === this.replicas.length) this.replicas.push(this.#known(replica));
    return found;
  }

  at(number: number): KnownReplica {
    return this.replicas[number] as KnownReplica;
  }

  ownOf(number: number): readonly Edge[] {
    const known = this.at(number);
    known.own ??= ownMoves(known.replica, this.#world)
      .map((move) => this.#edge(number, move))
      .filter((edge) => !isIdle(edge, number));
    return known.own;
  }

  crashesOf(number: number): readonly Edge[] {
    const known = this.at(number);
    known.crashes ??= crashes(known.replica).map((move) => this.#edge(number, move));
    return known.crashes;
  }

  deliveriesOf(number: number, message: number): readonly Edge[] {
    const known = this.at(number);
    let edges = known.deliveries.get(message);
    if (edges === undefined) {
      const sent = this.messages[message] as KnownMessage;
      edges = deliveries(known.replica, sent, this.#world)
        .map((move) => this.#edge(number, move))
        .filter((edge) => !isIdle(edge, number));
      known.deliveries.set(message, edges);
    }
    return edges;
  }

  #known(replica: Replica): KnownReplica {
    const onDisk = keysOn(replica.disk);
    const { hard, role } = replica.core;
    const { kind } = role;
    return {
      replica,
      place: this.#names.indexOf(replica.self),
      durableTerm: replica.disk.hard.term,
      standsIn: kind === 'candidate' || kind === 'leader' ? hard.term : 0,
      onDisk,
      onDiskText: onDisk.join('|'),
      own: null,
      crashes: null,
      deliveries: new Map(),
    };
  }

  #edge(from: number, move: Move): Edge {
    this.steps += 1;
    const before = this.at(from);
    try {
      const made = make(this.#rooms, this.#world, before.replica, move);
      const to = this.numberOf(made.replica);
      const after = this.at(to);
      const [was, is] = [before.replica.core, after.replica.core];
      const leads =
        is.role.kind === 'leader' && (was.role.kind !== 'leader' || was.hard.term !== is.hard.term);
      const applied = after.replica.applied.length !== before.replica.applied.length;
      const wrote = after.onDiskText !== before.onDiskText;
      const { releases } = made;
      const counted = move.kind === 'crash' || isRequest(move) || isCampaign(move);
      const told = leads || applied || wrote || releases.length > 0 || counted;
      const sent = [...new Set(made.sent.map((each) => this.#messageNumber(each)))];
      return { move, to, sent, releases, leads, applied, wrote, told, broken: null };
    } catch (error) {
      if (!(error instanceof Broken || error instanceof InvariantViolation)) throw error;
      const none = { sent: [], releases: [], leads: false, applied: false, wrote: false };
      return { move, to: from, ...none, told: false, broken: error.message };
    }
  }

  #messageNumber({ from, to, message }: Sent): number {
    const plain = { from, to, message };
    const known = this.messages;
    const number = numberIn(
      this.#messageNumbers,
      this.messageWords,
      this.#renamings,
      plain,
      known.length,
    );
    if (number === known.length) {
      const [receiver, sender] = [this.#names.indexOf(to), this.#names.indexOf(from)];
      known.push({ ...plain, receiver, sender });
      this.receivers.push(receiver);
    }
    return number;
  }
}

const isIdle = (edge: Edge, at: number): boolean =>
  edge.to === at && edge.sent.length === 0 && edge.broken === null && edge.releases.length === 0;

/** The number under which `value` is known; a new one is given its words. The first renaming changes nothing. */
function numberIn(
  numbers: Map<string, number>,
  words: number[],
  renamings: readonly Renaming[],
  value: unknown,
  next: number,
): number {
  const { name } = digest(textOf(value, renamings[0] as Renaming, derived));
  const met = numbers.get(name);
  if (met !== undefined) return met;
  numbers.set(name, next);
  for (const renaming of renamings) words.push(...digest(textOf(value, renaming, derived)).words);
  return next;
}

/** What a replica's log says, from index 1 on, as it means it to be. */
export function logOf({ core }: Replica): readonly string[] {
  const { log, snapshot } = core;
  const entries = log.slice(snapshot.index + 1, Number.POSITIVE_INFINITY);
  return [...appliedIn(snapshot.state), ...entries.map(keyOf)];
}

/** What decides whether a message still means anything to a replica, for ever. */
export interface Standing {
  readonly durableTerm: number;
  /** It stands for election in this term, or was elected in it; else 0. */
  readonly standsIn: number;
}

/**
 * Whether `message` can never again mean anything to its receiver: what is dead is dropped, so that worlds which
 * differ in it alone are one. The durable term only grows, and who does not stand for election in it, or in a
 * later one, will never stand for election in any term up to it.
 */
export function isDead(message: Message, receiver: Standing): boolean {
  const { durableTerm, standsIn } = receiver;
  switch (message.kind) {
    case 'vote':
    case 'timeoutNow':
      return message.term < durableTerm;
    case 'voteReply':
    case 'appendReply':
      return message.term <= durableTerm && message.term !== standsIn;
    case 'preVoteReply':
      // A refusal counts in whatever is asked now; a grant only for the term that was asked for.
      return message.granted && message.term <= durableTerm;
    case 'preVote':
    case 'append':
    case 'installSnapshot':
      return false;
  }
}
