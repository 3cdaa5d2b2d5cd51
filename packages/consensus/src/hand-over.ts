/**
 * Giving leadership away on purpose: asked for, at a planned stop, or by a leader that cannot serve.
 *
 * Owns    when an unfit leader hands over and how often, and who waits for a successor.
 * Never   deposes itself: the successor's higher term does that, and without one it leads on.
 * Rule    docs/architecture.md, consensus 6; rules 33 and 34.
 * Proof   test/node-hand-over.test.ts.
 */
import type { Core, Input, MemberId } from './core/index.js';
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

/** A leader that is unfit hands over at most this often: else two unfit ones would play ball. */
const pauseMs = 5_000;

export class HandOver {
  readonly #self: MemberId;
  readonly #electionTimeoutMs: number;
  readonly #world: HandOverWorld;
  #unfit: string | null = null;
  #lastAt = Number.NEGATIVE_INFINITY;
  #waiting: ((leader: MemberId | null) => void)[] = [];

  constructor(self: MemberId, electionTimeoutMs: number, world: HandOverWorld) {
    this.#self = self;
    this.#electionTimeoutMs = electionTimeoutMs;
    this.#world = world;
  }

  setUnfit(reason: string | null): void {
    this.#unfit = reason;
  }

  /** Another voter that could be told. */
  hasSuccessor(): boolean {
    const voters = this.#world.core()?.snapshot.membership.voters ?? [];
    return voters.some(({ id }) => id !== this.#self && this.#world.isUp(id));
  }

  /** Somebody leads, or nobody. */
  leaderChanged(leader: MemberId | null): void {
    if (leader === null || leader === this.#self) return;
    for (const over of [...this.#waiting]) over(leader);
  }

  /** @throws ConsensusError CONSENSUS_NOT_LEADER  not leading, or nobody took over in time */
  async transfer(to: MemberId | null): Promise<MemberId> {
    const core = this.#world.core();
    if (core?.role.kind !== 'leader') {
      const leader = this.#world.nameOf(core?.leader ?? null);
      throw new ConsensusError('CONSENSUS_NOT_LEADER', { leader });
    }
    return await new Promise((resolve, reject) => {
      const over = (leader: MemberId | null): void => {
        clearTimeout(deadline);
        this.#waiting = this.#waiting.filter((one) => one !== over);
        if (leader !== null) resolve(leader);
        else reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader: null }));
      };
      const deadline = setTimeout(() => over(null), 2 * this.#electionTimeoutMs);
      this.#waiting.push(over);
      this.#world.feed({ kind: 'transfer', to });
    });
  }

  /** Nobody will take over any more, as far as this replica will learn. */
  end(): void {
    for (const over of [...this.#waiting]) over(null);
  }

  /** To be asked at each step: heartbeats make it often enough while leading. */
  watch(): void {
    if (this.#world.core()?.role.kind !== 'leader') return;
    const now = performance.now();
    const slow = this.#world.inFlightMs(now) > this.#electionTimeoutMs;
    const reason = slow ? 'a log sync is slower than the election timeout' : this.#unfit;
    if (reason === null || now - this.#lastAt < pauseMs || !this.hasSuccessor()) return;
    this.#lastAt = now;
    const told = (to: MemberId | null): void => {
      this.#world.handedOver(to, reason, performance.now() - now);
    };
    this.transfer(null).then(told, () => told(null));
  }
}
