/**
 * The stage of a story: a few replicas, the wire between them, and one clock. The director says what goes wrong.
 *
 * Owns    when a message arrives and when a timer runs out. Messages arrive at once and in order, unless they are held
 *         or cut; time passes only when told, or for an election.
 * Never   uses chance: the same orders give the same trace.
 * Rule    docs/architecture.md, consensus 4 and 5.
 */
import type { MemberId, Membership, Message, RecoveredLog } from '@cometkms/consensus/core';
import { invariant } from '@cometkms/invariant';
import { SignState, type StartingPoint } from '@cometkms/sign-state';
import { SignatureTable } from '../keys.js';
import { Oracle } from './oracle.js';
import { Replica, timers } from './replica.js';
import { record } from './signing.js';
import { Trace } from './trace.js';
import { describeMessage, isHeartbeat } from './words.js';

interface Letter {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly message: Message;
}

/** Which messages: `*` is anybody; kind null is any kind. */
export interface Route {
  readonly from: string;
  readonly to: string;
  readonly kind: string | null;
}

export interface StageOptions {
  readonly replicas: readonly MemberId[];
  readonly witnesses: readonly MemberId[];
  /** Null: the chain is not registered yet. */
  readonly chain: StartingPoint | null;
  readonly maxAppendBytes: number;
}

/** The defaults of the program (docs/architecture.md, the road of one signature). */
const limits = { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n };
/** Far above what any story needs. */
const maxEvents = 20_000;

/** The orders do not make sense: the story's fault, not the replicas'. */
export class StoryError extends Error {
  override readonly name = 'StoryError';
}

export class Stage {
  readonly trace = new Trace();
  #now = 0;
  readonly #replicas = new Map<MemberId, Replica>();
  readonly #founded: RecoveredLog;
  readonly #around: ConstructorParameters<typeof Replica>[2];
  #soon: (() => void)[] = [];
  #wire: Letter[] = [];
  #kept: Letter[] = [];
  #holds: Route[] = [];
  /** Who is on which side of a partition; empty: there is none. */
  #sides: readonly (readonly MemberId[])[] = [];

  constructor({ replicas, witnesses, chain, maxAppendBytes }: StageOptions) {
    this.#founded = founding(replicas, witnesses, chain);
    this.#around = {
      trace: this.trace,
      oracle: new Oracle(this.trace),
      keys: new SignatureTable(),
      maxAppendBytes,
      now: () => this.#now,
      send: (from, to, message) => this.#send({ from, to, message }),
      soon: (run) => {
        this.#soon.push(run);
      },
    };
    for (const id of replicas) this.add(id);
  }

  replica(id: MemberId): Replica {
    const replica = this.#replicas.get(id);
    if (replica === undefined) throw new StoryError(`nobody is called ${id}`);
    return replica;
  }

  /** A process with a log as founded, and no more. */
  add(id: MemberId): void {
    if (this.#replicas.has(id)) throw new StoryError(`${id} is there already`);
    const replica = new Replica(id, this.#founded, this.#around);
    this.#replicas.set(id, replica);
    replica.start();
    this.trace.endOfDeeds();
  }

  // ------------------------------------------------------------------------------- the wire

  /** Delivers, and carries out what that causes, until nothing is under way. No time passes. */
  settle(): void {
    for (let events = 0; events < maxEvents; events += 1) {
      const next = this.#soon.shift();
      if (next !== undefined) {
        next();
        continue;
      }
      const letter = this.#wire.shift();
      if (letter === undefined) return;
      this.#arrive(letter);
    }
    throw new StoryError('the stage does not come to rest');
  }

  #send(letter: Letter): void {
    if (!this.#connected(letter.from, letter.to)) return;
    if (!this.#holds.some((route) => covers(route, letter))) {
      this.#wire.push(letter);
      return;
    }
    this.#kept.push(letter);
    if (!isHeartbeat(letter.message)) this.#remark(letter, 'held');
  }

  #arrive({ from, to, message }: Letter): void {
    const replica = this.#replicas.get(to);
    replica?.take(() => replica.feed({ kind: 'message', from, message }));
  }

  #remark({ from, to, message }: Letter, what: string): void {
    this.trace.remark(`${from} -> ${to} ${describeMessage(message)}: ${what}`);
  }

  hold(route: Route): void {
    this.#holds.push(route);
  }

  /** What was held arrives. */
  deliver(
    route: Route,
    { first, copy }: { readonly first: boolean; readonly copy: boolean },
  ): void {
    const all = this.#kept.filter((letter) => covers(route, letter));
    const chosen = first ? all.slice(0, 1) : all;
    if (chosen.length === 0) throw new StoryError('nothing of that kind is held');
    if (!copy) this.#kept = this.#kept.filter((letter) => !chosen.includes(letter));
    for (const letter of chosen) {
      if (!isHeartbeat(letter.message)) this.#remark(letter, 'arrives');
      this.#arrive(letter);
      this.settle();
    }
  }

  lose(route: Route, first: boolean): void {
    const all = this.#kept.filter((letter) => covers(route, letter));
    const lost = first ? all.slice(0, 1) : all;
    if (lost.length === 0) throw new StoryError('nothing of that kind is held');
    this.#kept = this.#kept.filter((letter) => !lost.includes(letter));
  }

  /** What is held arrives, and nothing more is held there. */
  release(route: Route): void {
    this.#holds = this.#holds.filter((held) => !sameRoute(held, route));
    if (this.#kept.some((letter) => covers(route, letter))) {
      this.deliver(route, { first: false, copy: false });
    }
  }

  /** Messages between the sides are lost, without a sign to anybody. */
  cut(sides: readonly (readonly MemberId[])[]): void {
    this.#sides = sides;
  }

  heal(): void {
    this.#sides = [];
  }

  #connected(a: MemberId, b: MemberId): boolean {
    const sideOf = (id: MemberId): number => this.#sides.findIndex((side) => side.includes(id));
    return this.#sides.length === 0 || sideOf(a) === sideOf(b);
  }

  // --------------------------------------------------------------------------- life and death

  /** The process ends. With `silently` its machine does, and no kernel closes its connections. */
  end(id: MemberId, silently: boolean): void {
    this.replica(id).die();
    this.trace.endOfDeeds();
    if (!silently) this.#tellLinks(id, 'closed');
    this.settle();
  }

  start(id: MemberId): void {
    const replica = this.replica(id);
    if (replica.isRunning) throw new StoryError(`${id} runs`);
    replica.start();
    this.trace.endOfDeeds();
    this.#tellLinks(id, 'up');
    this.settle();
  }

  #tellLinks(id: MemberId, state: 'up' | 'closed'): void {
    for (const other of this.#replicas.values()) {
      if (other.id === id || !other.isRunning || !this.#connected(id, other.id)) continue;
      this.tellLink(other.id, id, state);
      if (state === 'up') this.tellLink(id, other.id, state);
    }
  }

  /** One side of a connection sees it end, or begin again. */
  tellLink(id: MemberId, peer: MemberId, state: 'up' | 'closed'): void {
    const replica = this.replica(id);
    replica.take(() => replica.feed({ kind: 'link', peer, state }));
  }

  // ------------------------------------------------------------------------------------ time

  get now(): number {
    return this.#now;
  }

  /** Timers run out in their order. */
  advanceTo(time: number): void {
    for (let events = 0; events < maxEvents; events += 1) {
      const due = [...this.#replicas.values()]
        .filter(({ deadline }) => deadline <= time)
        .sort((a, b) => a.deadline - b.deadline);
      const next = due[0];
      if (next === undefined) {
        this.#now = Math.max(this.#now, time);
        return;
      }
      this.#now = Math.max(this.#now, next.deadline);
      next.take(() => next.wake());
      this.settle();
    }
    throw new StoryError('time stands still');
  }

  /** This one's timer runs out now, whatever it heard. */
  expire(id: MemberId): void {
    const replica = this.replica(id);
    const { core } = replica;
    if (core === null) throw new StoryError(`${id} is off`);
    core.electionDeadline = replica.now();
    replica.take(() => replica.feed({ kind: 'wake' }));
    this.settle();
  }

  /** This leader's next heartbeat comes now: who follows hears what is committed. */
  beat(id: MemberId): void {
    const replica = this.replica(id);
    const role = replica.core?.role;
    if (role?.kind !== 'leader') throw new StoryError(`${id} does not lead`);
    role.heartbeatDue = replica.now();
    replica.take(() => replica.feed({ kind: 'wake' }));
    this.settle();
  }

  /**
   * Of all who can reach each other, this one's timer is the first to run out: as early as can be, so that the others
   * no longer stand by a leader that they heard. Where its first entry is committed, it beats: so stories begin, and
   * go on, with all knowing that.
   */
  elect(id: MemberId): void {
    if (this.replica(id).core?.role.kind === 'leader') throw new StoryError(`${id} leads already`);
    const group = [...this.#replicas.values()].filter(
      (each) => each.isRunning && !each.isPaused && this.#connected(id, each.id),
    );
    let at = this.#now;
    for (const { core, lagMs } of group) {
      if (core === null) continue;
      const { leader, closedLinks, leaderHeardAt, startedAt } = core;
      const stands = leader === null || closedLinks.has(leader) ? 0 : leaderHeardAt;
      at = Math.max(at, Math.max(stands, startedAt) + timers.electionTimeoutMs + lagMs);
    }
    // Whose timer runs out first is chance; here the director is.
    for (const { core, lagMs } of group) {
      if (core === null) continue;
      const later = at - lagMs + timers.electionTimeoutMs;
      core.electionDeadline = Math.max(core.electionDeadline, later);
      core.hintDeadline = Number.POSITIVE_INFINITY;
    }
    this.advanceTo(at);
    const replica = this.replica(id);
    // Where the others' term is higher, the first attempt only learns it.
    for (let attempt = 0; attempt < 2 && replica.core?.role.kind !== 'leader'; attempt += 1) {
      this.expire(id);
    }
    const { core } = replica;
    if (core?.role.kind !== 'leader') throw new StoryError(`${id} was not elected`);
    if (core.commit >= core.role.barrierIndex) this.beat(id);
  }
}

function founding(
  replicas: readonly MemberId[],
  witnesses: readonly MemberId[],
  chain: StartingPoint | null,
): RecoveredLog {
  const state = new SignState();
  if (chain !== null) {
    const answer = state.apply({
      kind: 'registerChain',
      id: record,
      start: chain,
      limits,
      by: replicas[0] ?? '',
      at: 0,
    });
    invariant(answer.kind === 'done', 'a story begins with a sound registration', { answer });
  }
  const membership: Membership = {
    voters: replicas.map((id) => memberNamed(id, witnesses.includes(id))),
    learners: [],
  };
  return {
    hard: { term: 0, votedFor: null },
    snapshot: { index: 0, term: 0, membership, state: state.snapshot() },
    entries: [],
  };
}

export function memberNamed(id: MemberId, witness: boolean): Membership['voters'][number] {
  return { id, name: id, address: `${id}:1`, witness };
}

function covers({ from, to, kind }: Route, letter: Letter): boolean {
  if (from !== '*' && from !== letter.from) return false;
  if (to !== '*' && to !== letter.to) return false;
  return kind === null || kind === letter.message.kind;
}

function sameRoute(a: Route, b: Route): boolean {
  return a.from === b.from && a.to === b.to && a.kind === b.kind;
}
