/**
 * Every state of a small world, breadth first, each once.
 *
 * Owns    the state of a world: its replicas, what was ever sent, and what happened (crashes, terms led, what was
 *         committed, what was released). A message stays: it may arrive at any time, in any order, any number of
 *         times, or never. States that differ only in which replica is called what are one: names are only compared,
 *         so the moves of a renamed state are its moves, renamed, and a rule that names nobody holds in both or in
 *         neither. No other reduction is made: what forgetting.ts and `isDead` (known.ts) drop has its reason there.
 * Never   follows a state beyond a broken rule: it ends there, with the shortest way to it.
 */
import { invariant, onViolation } from '@cometkms/invariant';
import type { Renaming } from './canonical.js';
import { Fingerprints } from './fingerprints.js';
import { Frontier, type Packed } from './frontier.js';
import { Histories } from './histories.js';
import { type Edge, isDead, Known, type KnownMessage, type Standing } from './known.js';
import { describe, describeMessage, describeRelease, isCampaign, isRequest } from './moves.js';
import type { Rooms } from './opening.js';
import { namesOf } from './replica.js';
import { beginningOf, type World } from './worlds.js';

export interface Result {
  readonly world: string;
  readonly states: number;
  /** Moves that led somewhere else, to a new state or a known one. */
  readonly edges: number;
  /** Moves of the longest shortest way. */
  readonly depth: number;
  /** Different replicas, and runs of production's code for them. */
  readonly replicas: number;
  readonly steps: number;
  readonly seconds: number;
  /** All states within the bounds were searched. */
  readonly complete: boolean;
  readonly broken: { readonly rule: string; readonly way: readonly string[] } | null;
  /** What was reached, so that a world in which nothing happens is seen for what it is. */
  readonly reached: Reached;
}

export interface Reached {
  /** Terms that were led, entries committed, places released, in one history. */
  readonly led: number;
  readonly committed: number;
  readonly released: number;
}

interface Violation {
  readonly place: number;
  readonly edge: Edge;
  readonly rule: string;
}

export interface SearchOptions {
  /** Gives up after that, and says so. */
  readonly seconds?: number;
  readonly states?: number;
  readonly progress?: (line: string) => void;
}

export class Search {
  readonly known: Known;
  readonly #world: World;
  readonly #renamings: number;
  readonly #first: Packed;
  readonly #histories: Histories;
  readonly #met = new Fingerprints();
  #next: Frontier;
  #edges = 0;
  #broken: Violation | null = null;

  /** The state at hand: its number, itself, the words of each of its renamings, and which messages it has. */
  #number = 0;
  #at: Packed;
  readonly #words: Int32Array;
  readonly #reached: Int32Array;
  #present = new Uint8Array(1024);
  /** On a walk: the state that is looked for, and the move that leads there. */
  #wanted = -1;
  #found: { readonly place: number; readonly edge: Edge; readonly to: Packed } | null = null;

  /** @param only  looks but for the rules over the whole world that begin so, to show that these are looked for */
  constructor(world: World, rooms: Rooms, only: string | null = null) {
    const names = namesOf(world.replicas);
    const renamings = renamingsOf(world, names);
    this.#world = world;
    this.#renamings = renamings.length;
    this.known = new Known(rooms, world, names, renamings);
    this.#histories = new Histories(world, only);
    const replicas = beginningOf(world, rooms).map((replica) => this.known.numberOf(replica));
    this.#first = { replicas, history: this.#histories.first, messages: [] };
    this.#at = this.#first;
    this.#words = new Int32Array(2 * this.#renamings);
    this.#reached = new Int32Array(2 * this.#renamings);
    this.#next = new Frontier(world.replicas);
  }

  run(options: SearchOptions = {}): Result {
    const restore = onViolation((violation) => {
      throw violation;
    });
    try {
      return this.#run(options);
    } finally {
      restore();
    }
  }

  #run({ seconds = Number.POSITIVE_INFINITY, states, progress }: SearchOptions): Result {
    const started = Date.now();
    const limit = states ?? Number.POSITIVE_INFINITY;
    const over = (): boolean => this.#met.count >= limit || Date.now() - started >= seconds * 1000;
    this.#met.add(0, 0, -1);
    this.#next.push(0, this.#first);
    let depth = -1;
    let complete = true;
    while (this.#next.count > 0 && complete && this.#broken === null) {
      depth += 1;
      const level = this.#next;
      this.#next = new Frontier(this.#world.replicas);
      for (let number = level.next(); number >= 0; number = level.next()) {
        if ((number & 1023) === 1023 && over()) complete = false;
        if (!complete) break;
        this.#follow(number, level.state());
        if (this.#broken !== null) break;
      }
      const time = ((Date.now() - started) / 1000).toFixed(0);
      progress?.(`${time} s, depth ${depth}: ${this.#met.count} states met`);
    }
    const broken: Violation | null = this.#broken;
    return {
      world: this.#world.name,
      states: this.#met.count,
      edges: this.#edges,
      depth,
      replicas: this.known.replicas.length,
      steps: this.known.steps,
      seconds: (Date.now() - started) / 1000,
      complete: complete && broken === null,
      broken: broken === null ? null : this.#wayTo(this.#number, broken),
      reached: this.#histories.reached(),
    };
  }

  /** All moves of one state, in an order that is always the same. */
  #follow(number: number, state: Packed): void {
    const { known } = this;
    const { replicas, history, messages } = state;
    this.#number = number;
    this.#at = state;
    this.#fingerprint();
    if (this.#present.length < known.messages.length + 64) {
      this.#present = new Uint8Array(2 * this.#present.length + 64);
    }
    for (const each of messages) this.#present[each] = 1;
    const past = this.#histories.at(history);
    const mayCrash = past.crashes < this.#world.crashes;
    const mayCampaign = past.campaigns < this.#world.campaigns;
    const mayAsk = past.requests < this.#world.requests;
    const may = ({ move }: Edge): boolean =>
      (mayCampaign || !isCampaign(move)) && (mayAsk || !isRequest(move));
    for (let place = 0; place < replicas.length; place += 1) {
      const replica = replicas[place] ?? 0;
      const own = known.ownOf(replica);
      this.#takeAll(place, mayCampaign && mayAsk ? own : own.filter(may));
      if (mayCrash) this.#takeAll(place, known.crashesOf(replica));
    }
    for (const message of messages) {
      const receiver = known.receivers[message] ?? 0;
      this.#takeAll(receiver, known.deliveriesOf(replicas[receiver] ?? 0, message));
    }
    for (const each of messages) this.#present[each] = 0;
  }

  #takeAll(place: number, edges: readonly Edge[]): void {
    for (const edge of edges) if (this.#broken === null) this.#take(place, edge);
  }

  #take(place: number, edge: Edge): void {
    const { known } = this;
    if (edge.broken !== null) {
      this.#break(place, edge, edge.broken);
      return;
    }
    const from = this.#at.replicas[place] ?? 0;
    const fresh = edge.sent.length === 0 ? edge.sent : this.#freshOf(place, edge);
    let { history } = this.#at;
    if (edge.told) {
      const after = this.#historyAfter(place, edge);
      if (typeof after === 'string') {
        this.#break(place, edge, after);
        return;
      }
      history = after;
    }
    if (edge.to === from && fresh.length === 0 && history === this.#at.history) return;
    const [was, is] = [known.at(from), known.at(edge.to)];
    const changed = is.durableTerm !== was.durableTerm || is.standsIn !== was.standsIn;
    const dead = changed ? this.#deadAt(place, is) : none;
    this.#edges += 1;
    this.#reach(place, edge, fresh, dead, history);
  }

  #historyAfter(place: number, edge: Edge): number | string {
    const replicas = this.#at.replicas.map((each, at) =>
      this.known.at(at === place ? edge.to : each),
    );
    return this.#histories.after(this.#at.history, edge, replicas, place);
  }

  #deadAt(place: number, standing: Standing): readonly number[] {
    return this.#at.messages.filter((each) => {
      const { receiver, message } = this.known.messages[each] as KnownMessage;
      return receiver === place && isDead(message, standing);
    });
  }

  /** What this move sends that is not on its way already, and is not dead where it arrives. */
  #freshOf(place: number, edge: Edge): readonly number[] {
    const { known } = this;
    return edge.sent.filter((each) => {
      if (this.#present[each] === 1) return false;
      const { receiver, message } = known.messages[each] as KnownMessage;
      const to = receiver === place ? edge.to : (this.#at.replicas[receiver] ?? 0);
      return !isDead(message, known.at(to));
    });
  }

  #break(place: number, edge: Edge, rule: string): void {
    this.#broken ??= { place, edge, rule };
  }

  /** Of the state at hand, for each renaming, without its history. */
  #fingerprint(): void {
    const { replicaWords, messageWords } = this.known;
    const count = this.#renamings;
    this.#words.fill(0);
    for (const each of this.#at.replicas) mix(this.#words, replicaWords, each, count);
    for (const each of this.#at.messages) mix(this.#words, messageWords, each, count);
  }

  /** The fingerprint of a state is the least over all renamings, so that it is the same for all of them. */
  #reach(
    place: number,
    edge: Edge,
    fresh: readonly number[],
    dead: readonly number[],
    history: number,
  ): void {
    const { replicaWords, messageWords } = this.known;
    const count = this.#renamings;
    const words = this.#reached;
    words.set(this.#words);
    mix(words, replicaWords, this.#at.replicas[place] ?? 0, count);
    mix(words, replicaWords, edge.to, count);
    for (const each of fresh) mix(words, messageWords, each, count);
    for (const each of dead) mix(words, messageWords, each, count);
    let [high, low] = [words[0] ?? 0, words[1] ?? 0];
    for (let at = 2; at < words.length; at += 2) {
      const other = words[at] ?? 0;
      if (other > high || (other === high && (words[at + 1] ?? 0) >= low)) continue;
      high = other;
      low = words[at + 1] ?? 0;
    }
    const [historyHigh, historyLow] = this.#histories.words(history);
    high ^= historyHigh;
    low ^= historyLow;
    if (this.#wanted >= 0) {
      if (this.#found !== null || !this.#met.is(this.#wanted, high, low)) return;
      this.#found = { place, edge, to: this.#stateAfter(place, edge, fresh, dead, history) };
      return;
    }
    const number = this.#met.add(high, low, this.#number);
    if (number < 0) return;
    this.#next.push(number, this.#stateAfter(place, edge, fresh, dead, history));
  }

  #stateAfter(
    place: number,
    edge: Edge,
    fresh: readonly number[],
    dead: readonly number[],
    history: number,
  ): Packed {
    const replicas = this.#at.replicas.map((each, at) => (at === place ? edge.to : each));
    const stay =
      dead.length === 0
        ? this.#at.messages
        : this.#at.messages.filter((each) => !dead.includes(each));
    return { replicas, history, messages: [...stay, ...fresh] };
  }

  /** Walks again: from each state the first move that leads to the next one. */
  #wayTo(number: number, { place, edge, rule }: Violation): { rule: string; way: string[] } {
    const way: string[] = [];
    let state = this.#first;
    for (const next of this.#met.wayTo(number).slice(1)) {
      this.#broken = null;
      this.#wanted = next;
      this.#found = null;
      this.#follow(0, state);
      const found = this.#found as { place: number; edge: Edge; to: Packed } | null;
      invariant(found !== null, 'the way to a state can be walked again', { next });
      way.push(...this.#linesOf(found.place, found.edge));
      state = found.to;
    }
    this.#wanted = -1;
    way.push(...this.#linesOf(place, edge));
    return { rule, way };
  }

  /** One move, and beneath it what came of it. */
  #linesOf(place: number, edge: Edge): readonly string[] {
    const self = namesOf(this.#world.replicas)[place] ?? '';
    const sent = edge.sent.map((each) => {
      const { to, message } = this.known.messages[each] as KnownMessage;
      return `      to ${to}: ${describeMessage(message)}`;
    });
    const released = edge.releases.map((release) => `      ${describeRelease(release)}`);
    return [describe(self, edge.move), ...sent, ...released];
  }
}

const none: readonly number[] = [];

function mix(words: Int32Array, from: readonly number[], which: number, renamings: number): void {
  const start = which * renamings * 2;
  for (let at = 0; at < words.length; at += 1)
    words[at] = (words[at] ?? 0) ^ (from[start + at] ?? 0);
}

/** All permutations under which the world is the same world: gates stay with gates. */
function renamingsOf(world: World, names: readonly string[]): readonly Renaming[] {
  const kind = (name: string | undefined): boolean => names.indexOf(name ?? '') < world.gates;
  return permutations(names)
    .filter((renamed) => names.every((name, at) => kind(name) === kind(renamed[at])))
    .map((renamed) => new Map(names.map((name, at) => [name, renamed[at] ?? name])));
}

function permutations(names: readonly string[]): readonly (readonly string[])[] {
  if (names.length <= 1) return [names];
  return names.flatMap((first) =>
    permutations(names.filter((name) => name !== first)).map((rest) => [first, ...rest]),
  );
}
