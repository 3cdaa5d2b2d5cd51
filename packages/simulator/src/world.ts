/**
 * One simulated world: replicas, validators, network and disks, from one seed.
 *
 * Owns    its parts, and its two phases: first anything may go wrong and safety is watched, then all is healed and
 *         the cluster must come back to work.
 * Never   decides what a replica does, or what is right: the production code and the oracle do.
 * Proof   test/world.test.ts; the planted bugs (planted/).
 */
import { Copies } from './copies.js';
import { FaultWork } from './fault-work.js';
import type { FaultPlan } from './faults.js';
import { Homes } from './homes.js';
import { Lives } from './lives.js';
import { Looking } from './looking.js';
import { Making } from './making.js';
import type { Marks } from './marks.js';
import type { Member } from './member.js';
import { MembershipWork } from './membership-work.js';
import type { Recording } from './model/recording.js';
import type { Oracle } from './oracle.js';
import { Scene } from './scene.js';
import { Settling } from './settling.js';
import { arrivals, type Timeline } from './timeline.js';
import type { Trace } from './trace.js';

export interface WorldOptions {
  readonly seed: number;
  /** Numbers of planned faults that are left out. */
  readonly without?: ReadonlySet<number>;
  readonly echo?: (line: string) => void;
  /** Changes nothing of what happens. */
  readonly recording?: Recording;
}

export class World {
  readonly #scene: Scene;
  readonly #lives: Lives;
  readonly #looking: Looking;
  readonly #making: Making;
  readonly #homes: Homes;
  readonly #work: FaultWork;
  readonly #membership: MembershipWork;
  readonly #without: ReadonlySet<number>;

  constructor({ seed, without, echo, recording }: WorldOptions) {
    this.#scene = new Scene(seed, echo ?? null, recording ?? null);
    this.#lives = new Lives(this.#scene);
    this.#looking = new Looking(this.#scene);
    this.#making = new Making(this.#scene, this.#lives, this.#looking);
    this.#homes = new Homes(this.#scene, this.#lives);
    const copies = new Copies(this.#scene, this.#lives, this.#making);
    this.#looking.before = () => copies.keepApart();
    this.#membership = new MembershipWork(this.#scene, this.#lives, this.#making);
    this.#work = new FaultWork(this.#scene, this.#lives, this.#homes, this.#membership, copies);
    this.#without = without ?? new Set();
    this.#making.makeChains();
    this.#making.makeMembers();
  }

  get plan(): FaultPlan {
    return this.#scene.plan;
  }

  get members(): readonly Member[] {
    return this.#scene.members;
  }

  get timeline(): Timeline {
    return this.#scene.timeline;
  }

  get trace(): Trace {
    return this.#scene.trace;
  }

  get marks(): Marks {
    return this.#scene.marks;
  }

  get oracle(): Oracle {
    return this.#scene.oracle;
  }

  /** Of cores, as far as they could be told apart. */
  get steps(): number {
    return this.#looking.steps;
  }

  /** How long nobody could serve after the one that did was killed, in milliseconds. */
  get failoversMs(): readonly number[] {
    return this.#scene.failovers.gapsMs;
  }

  get electionTimeoutMs(): number {
    return this.#scene.swarm.timers.electionTimeoutMs;
  }

  /** Faults carried out, by kind. */
  get faultCounts(): ReadonlyMap<string, number> {
    return this.#work.counts;
  }

  /** On one line, for who must judge a failure. */
  describe(): string {
    const { replicas, witnesses, timers, chains, rates, codec, devices } = this.#scene.swarm;
    const present = Object.entries(rates).flatMap(([kind, ms]) =>
      ms < Number.POSITIVE_INFINITY ? [kind] : [],
    );
    const { heartbeatIntervalMs, electionTimeoutMs } = timers;
    return [
      `${replicas} replicas`,
      ...(witnesses.length > 0 ? [`${witnesses.length} of them witnesses`] : []),
      `heartbeat ${heartbeatIntervalMs} ms, election ${electionTimeoutMs} ms`,
      `chains ${chains.map(({ beginning, validators }) => `${beginning}/${validators}`).join(' ')}`,
      `codec ${codec}`,
      ...(devices ? ['keys in devices'] : []),
      `faults ${present.join(' ')}`,
    ].join(', ');
  }

  /**
   * The whole course: begin, faults, heal, settle.
   * @throws Violation, or what the production code threw
   */
  async run(): Promise<void> {
    const { seed, swarm, plan, timeline, members, courses } = this.#scene;
    await this.#homes.install();
    if (swarm.witnesses.length > 0) this.#scene.marks.mark('a witness is in the world');
    const random = seed.fork('beginning');
    for (const member of [...members]) this.#lives.startIn(member, random.range(0, 500));
    for (const course of courses) course.start();
    for (const planned of plan.faults) {
      if (this.#without.has(planned.number)) continue;
      timeline.plan(planned.atMs, arrivals, () => this.#work.strike(planned));
    }
    const faultsEnd = (plan.faults.at(-1)?.atMs ?? 0) + swarm.faultsForMs / 4;
    await this.#looking.until(Math.max(faultsEnd, swarm.faultsForMs));
    await new Settling(
      this.#scene,
      this.#lives,
      this.#work,
      this.#looking,
      this.#membership,
    ).settle();
  }
}
