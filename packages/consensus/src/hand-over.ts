/**
 * Giving leadership away on purpose: asked for, at a planned stop, or by a leader that cannot serve.
 *
 * Owns    when an unfit leader hands over and how often, and who waits for a successor.
 * Never   deposes itself: the successor's higher term does that, and without one it leads on.
 * Rule    docs/architecture.md, consensus 6 and 9; rules 33 and 34.
 * Proof   test/hand-over.test.ts; test/node-hand-over.test.ts, test/node-stop.test.ts (real links).
 */
import type { Clock } from './clock.js';
import { type Core, type Input, type Member, type MemberId, standingOf } from './core/index.js';
import { ConsensusError } from './errors.js';

export interface HandOverWorld {
  core(): Core | null;
  feed(input: Input): void;
  nameOf(id: MemberId | null): string | null;
  isUp(peer: MemberId): boolean;
  /** How long the write in flight has taken, in milliseconds. */
  inFlightMs(now: number): number;
  /** Of a hand-over that nobody asked for; `to` null: nobody took it. */
  handedOver(to: MemberId | null, reason: string, tookMs: number): void;
}

/**
 * A leader that is unfit waits this long until it hands over again, twice as long each time, up to the
 * second one: where all are unfit (their disks fill alike) they would else play ball.
 */
const firstPauseMs = 5_000;
const longestPauseMs = 320_000;

/** A witness may win where it alone holds what is committed. It serves nobody, so it tries all the time. */
const witnessReason = 'a witness holds no key';

interface Waiting {
  /** Null: whoever can. */
  readonly to: MemberId | null;
  readonly over: (leader: MemberId | null) => void;
}

export class HandOver {
  readonly #self: MemberId;
  readonly #electionTimeoutMs: number;
  readonly #clock: Clock;
  readonly #world: HandOverWorld;
  #unfit: string | null = null;
  #lastAt = Number.NEGATIVE_INFINITY;
  #pauseMs = firstPauseMs;
  #waiting: readonly Waiting[] = [];
  /** When nobody took it, though one was asked. */
  #inVainAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(self: MemberId, electionTimeoutMs: number, clock: Clock, world: HandOverWorld) {
    this.#self = self;
    this.#electionTimeoutMs = electionTimeoutMs;
    this.#clock = clock;
    this.#world = world;
  }

  setUnfit(reason: string | null): void {
    this.#unfit = reason;
  }

  /** Another voter that could be told, and that was not asked in vain a moment ago. */
  hasSuccessor(): boolean {
    return this.#live().length > 0 && this.#clock.nowMs() - this.#inVainAt > this.#patienceMs;
  }

  /** Somebody leads, or nobody. */
  leaderChanged(leader: MemberId | null): void {
    if (leader === null || leader === this.#self) return;
    for (const { over } of this.#waiting) over(leader);
  }

  /**
   * @throws ConsensusError CONSENSUS_NOT_LEADER  not leading, nobody there who could take it, or nobody
   *   took it in time
   */
  async transfer(to: MemberId | null): Promise<MemberId> {
    const core = this.#world.core();
    if (this.#ended || core?.role.kind !== 'leader') {
      const leader = this.#world.nameOf(core?.leader ?? null);
      throw new ConsensusError('CONSENSUS_NOT_LEADER', { leader });
    }
    return await new Promise((resolve, reject) => {
      const waiting: Waiting = {
        to,
        over: (leader) => {
          cancelDeadline();
          this.#waiting = this.#waiting.filter((one) => one !== waiting);
          if (leader !== null) resolve(leader);
          else reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null }));
        },
      };
      const cancelDeadline = this.#clock.after(this.#patienceMs, () => {
        this.#inVainAt = this.#clock.nowMs();
        waiting.over(null);
      });
      this.#waiting = [...this.#waiting, waiting];
      this.#world.feed({ kind: 'transfer', to });
    });
  }

  /** Nobody will take over any more, as far as this replica will learn. */
  end(): void {
    this.#ended = true;
    for (const { over } of this.#waiting) over(null);
  }

  /**
   * To be asked after each step: heartbeats make it often enough while leading.
   * @param now  on the monotonic clock, in milliseconds
   */
  watch(now: number = this.#clock.nowMs()): void {
    this.#follow();
    if (this.#world.core()?.role.kind !== 'leader') return;
    const slow = this.#world.inFlightMs(now) > this.#electionTimeoutMs;
    const reason = slow ? 'a log sync is slower than the election timeout' : this.#unfit;
    if (this.#isWitness()) this.#handOverAsWitness(now);
    else if (reason !== null) this.#handOverAsUnfit(now, reason);
  }

  #handOverAsUnfit(now: number, reason: string): void {
    if (now - this.#lastAt < this.#pauseMs || this.#live().length === 0) return;
    const soonAgain = now - this.#lastAt < 2 * this.#pauseMs;
    this.#pauseMs = soonAgain ? Math.min(2 * this.#pauseMs, longestPauseMs) : firstPauseMs;
    this.#begin(now, reason);
  }

  /**
   * Key holders catch up as all followers do. Once one holds what is committed, it is asked; and again, without
   * longer pauses, where it did not take it.
   */
  #handOverAsWitness(now: number): void {
    const commit = this.#world.core()?.commit ?? 0;
    if (now - this.#lastAt < this.#patienceMs) return;
    const ready = this.#liveVoters().some((m) => !m.witness && this.#matchOf(m.id) >= commit);
    if (ready) this.#begin(now, witnessReason);
  }

  #begin(now: number, reason: string): void {
    this.#lastAt = now;
    const told = (to: MemberId | null): void => {
      this.#world.handedOver(to, reason, this.#clock.nowMs() - now);
    };
    this.transfer(null).then(told, () => told(null));
  }

  /**
   * Who is gone takes nothing over: another is asked instead, and where none is left nobody is waited for.
   */
  #follow(): void {
    if (this.#waiting.length === 0) return;
    const live = this.#live();
    for (const { to, over } of this.#waiting) {
      if (to === null ? live.length === 0 : !live.includes(to)) over(null);
    }
    const role = this.#world.core()?.role;
    if (role?.kind !== 'leader' || role.transfer === null || live.includes(role.transfer.to))
      return;
    const [next] = live;
    if (next !== undefined && this.#waiting.some(({ to }) => to === null)) {
      this.#world.feed({ kind: 'transfer', to: next });
    }
  }

  /** Other voters that are linked; best matched first, witnesses last: they would hand over again. */
  #live(): readonly MemberId[] {
    return this.#liveVoters().map(({ id }) => id);
  }

  #liveVoters(): readonly Member[] {
    const match = (member: Member): number => this.#matchOf(member.id);
    return this.#voters()
      .filter(({ id }) => id !== this.#self && this.#world.isUp(id))
      .toSorted((x, y) => Number(x.witness) - Number(y.witness) || match(y) - match(x));
  }

  #matchOf(id: MemberId): number {
    const role = this.#world.core()?.role;
    return role?.kind === 'leader' ? (role.peers.get(id)?.match ?? 0) : 0;
  }

  #isWitness(): boolean {
    return this.#voters().some(({ id, witness }) => id === this.#self && witness);
  }

  #voters(): readonly Member[] {
    const core = this.#world.core();
    return core === null ? [] : standingOf(core).inForce.membership.voters;
  }

  /** How long a transfer may take. */
  get #patienceMs(): number {
    return 2 * this.#electionTimeoutMs;
  }
}
