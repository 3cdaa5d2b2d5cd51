/**
 * What happened in a world so far, as far as a rule asks for it: crashes, what was committed, what was released.
 *
 * Owns    the rules over the whole world: one leader per term; one committed log, each entry of it on a quorum of
 *         disks and in the log of each later leader; one content released for each place, and only what that log
 *         reserves.
 * Never   says who: replicas may trade names.
 * Rule    docs/architecture.md, the promise; Ongaro's dissertation, figure 3.2.
 */

import { readSignBytes } from '@cometkms/sign-state';
import { digest } from './canonical.js';
import { placeNumber, readRelease, reservedIn } from './contents.js';
import type { Release } from './gate-place.js';
import { type Edge, type KnownReplica, logOf } from './known.js';
import { isCampaign, isRequest } from './moves.js';
import type { Reached } from './search.js';
import type { World } from './worlds.js';

export interface History {
  readonly crashes: number;
  /** These two are counted where they are bounded; else 0. */
  readonly campaigns: number;
  readonly requests: number;
  /** The terms that were led. */
  readonly led: readonly number[];
  /** The longest that any replica ever knew as committed. */
  readonly committed: readonly string[];
  /** Place to content. */
  readonly released: Readonly<Record<string, string>>;
}

export class Histories {
  readonly first: number;
  readonly #quorum: number;
  readonly #world: World;
  readonly #only: string | null;
  readonly #all: History[] = [];
  readonly #words: [number, number][] = [];
  readonly #numbers = new Map<string, number>();

  /** @param only  asks but for the rules whose words begin so; null: for all */
  constructor(world: World, only: string | null) {
    this.#only = only;
    this.#quorum = Math.floor(world.replicas / 2) + 1;
    this.#world = world;
    this.first = this.#number({
      crashes: 0,
      campaigns: 0,
      requests: 0,
      led: [],
      committed: [],
      released: {},
    });
  }

  at(number: number): History {
    return this.#all[number] as History;
  }

  words(number: number): [number, number] {
    return this.#words[number] as [number, number];
  }

  /** @param replicas  after the move, which is of the one at `place`. @returns the rule that it broke, or what is now */
  after(
    number: number,
    edge: Edge,
    replicas: readonly KnownReplica[],
    place: number,
  ): number | string {
    const history = this.at(number);
    const moved = replicas[place] as KnownReplica;
    const crashed = edge.move.kind === 'crash';
    let { led, committed, released } = history;
    if (edge.applied) {
      const { applied } = moved.replica;
      if (!agree(applied, committed)) {
        const rule = `two committed logs: ${committed.join(' | ')}, and at ${moved.replica.self} ${applied.join(' | ')}`;
        if (this.#asks(rule)) return rule;
      }
      if (applied.length > committed.length) committed = applied;
    }
    if (edge.wrote || committed !== history.committed) {
      const lost = this.#notOnQuorum(committed, replicas);
      if (lost !== null && this.#asks(lost)) return lost;
    }
    if (edge.leads) {
      const { term } = moved.replica.core.hard;
      const rule = `two leaders of term ${term}`;
      if (led.includes(term) && this.#asks(rule)) return rule;
      led = [...new Set([...led, term])].sort();
    }
    if (edge.leads && lacks(logOf(moved.replica), committed, moved.replica.core.hard.term)) {
      const rule = `${moved.replica.self} leads without all that is committed`;
      if (this.#asks(rule)) return rule;
    }
    for (const release of edge.releases) {
      const wrong = wrongIn(release, committed, released);
      if (wrong !== null && this.#asks(wrong)) return wrong;
      // What was signed, and not what the gate says of it.
      const { place: where, content } = readRelease(release.signature);
      released = { ...released, [where]: content };
    }
    const crashes = history.crashes + (crashed ? 1 : 0);
    const { move } = edge;
    const campaigns = counted(history.campaigns, this.#world.campaigns, isCampaign(move));
    const requests = counted(history.requests, this.#world.requests, isRequest(move));
    return this.#number({ crashes, campaigns, requests, led, committed, released });
  }

  reached(): Reached {
    return {
      led: Math.max(...this.#all.map(({ led }) => led.length)),
      committed: Math.max(...this.#all.map(({ committed }) => committed.length)),
      released: Math.max(...this.#all.map(({ released }) => Object.keys(released).length)),
    };
  }

  #asks(rule: string): boolean {
    return this.#only === null || rule.startsWith(this.#only);
  }

  #notOnQuorum(committed: readonly string[], replicas: readonly KnownReplica[]): string | null {
    for (const [at, key] of committed.entries()) {
      const holders = replicas.filter(({ onDisk }) => onDisk[at] === key);
      if (holders.length < this.#quorum) {
        return `committed entry ${at + 1} is on the disks of ${holders.length} replicas only`;
      }
    }
    return null;
  }

  #number(history: History): number {
    const { name, words } = digest(JSON.stringify(history));
    const met = this.#numbers.get(name);
    if (met !== undefined) return met;
    const number = this.#all.length;
    this.#numbers.set(name, number);
    this.#all.push(history);
    this.#words.push(words);
    return number;
  }
}

const counted = (before: number, bound: number, again: boolean): number =>
  before + (again && Number.isFinite(bound) ? 1 : 0);

/** One is the other's beginning. */
function agree(a: readonly string[], b: readonly string[]): boolean {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/**
 * Leader completeness. What a later term committed is none of this leader's: it may be elected late, by votes that were
 * long on their way.
 */
function lacks(log: readonly string[], committed: readonly string[], term: number): boolean {
  const last = Number.parseInt(committed.at(-1) ?? '0', 10);
  return last < term && !(log.length >= committed.length && agree(committed, log));
}

function wrongIn(
  { signBytes, signature, term, index, marked }: Release,
  committed: readonly string[],
  released: Readonly<Record<string, string>>,
): string | null {
  const { place, content } = readRelease(signBytes);
  const over = readRelease(signature);
  const earlier = released[over.place];
  if (earlier !== undefined && earlier !== over.content)
    return `two contents released at ${over.place}`;
  const reserved = reservedIn(committed, place);
  if (reserved === null) return `released at ${place}, which no committed entry reserves`;
  if (Buffer.compare(reserved, signature) !== 0) {
    return `released at ${place} over other bytes than the committed ones`;
  }
  if (content !== over.content) return `a signature over another content than was said`;
  if (marked === null || placeNumber(marked.hrs) < placeNumber(readSignBytes(signBytes).hrs)) {
    return `released at ${place} before the mark was on the disk`;
  }
  const key = committed[index - 1];
  if (key === undefined || !key.startsWith(`${term}:`)) {
    return `released on the word of entry ${index} of term ${term}, which is not committed`;
  }
  return null;
}
