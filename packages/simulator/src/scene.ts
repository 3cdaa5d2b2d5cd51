/**
 * All that is in one world.
 *
 * Owns    what its parts share: time, the seed, who is there, who watches, and the first promise that broke.
 * Never   does anything: world.ts and the parts beside it do.
 */

import { Failovers } from './failovers.js';
import { type FaultPlan, planFaults } from './faults.js';
import { SignatureTable } from './keys.js';
import { Marks } from './marks.js';
import type { Member } from './member.js';
import type { Recording } from './model/recording.js';
import { SimulatedNetwork } from './network.js';
import type { At } from './observations.js';
import { Oracle } from './oracle.js';
import { Random } from './random.js';
import { drawSwarm, type Swarm } from './swarm.js';
import { arrivals, Timeline } from './timeline.js';
import { Trace } from './trace.js';
import type { Validator } from './validator.js';
import { watchMarks } from './watch-marks.js';
import type { Chain, ValidatorCourse } from './workload.js';

export class Scene {
  readonly seed: Random;
  readonly swarm: Swarm;
  readonly plan: FaultPlan;
  readonly timeline = new Timeline();
  readonly marks = new Marks();
  readonly failovers = new Failovers();
  readonly oracle: Oracle;
  readonly trace: Trace;
  readonly watch: ReturnType<typeof watchMarks>;
  readonly network: SimulatedNetwork;
  readonly table = new SignatureTable();
  readonly members: Member[] = [];
  /** Of members, beside their originals (copies.ts): nobody's members, whatever they say. */
  readonly copies: Member[] = [];
  readonly chains: Chain[] = [];
  readonly courses: ValidatorCourse[] = [];
  /** By address. */
  readonly validators = new Map<string, Validator>();
  /** The first; thrown between two events. */
  violation: Error | null = null;
  /** When a replica's key failed last, or may have. */
  keysFailedAtMs = Number.NEGATIVE_INFINITY;
  /** That are in force. */
  partitions = 0;
  /** No fault begins any more. */
  isHealing = false;

  /** For the specification; null: nobody writes it down. */
  readonly recording: Recording | null;

  constructor(seed: number, echo: ((line: string) => void) | null, recording: Recording | null) {
    this.recording = recording;
    this.seed = new Random(seed, 'world');
    this.swarm = drawSwarm(this.seed, seed);
    this.plan = planFaults(this.seed, this.swarm);
    this.oracle = new Oracle(
      () => this.timeline.now,
      (signature) => this.table.signedBy(signature),
    );
    this.trace = new Trace(() => this.timeline.now, echo);
    this.watch = watchMarks(this.marks, () => this.members);
    this.oracle.memberships.changed = (before, after) =>
      this.watch.changed(before, after, this.partitions > 0);
    this.network = new SimulatedNetwork(this.timeline, this.seed.fork('network'), {
      codec: this.swarm.codec,
      observer: {
        onOutlived: () => this.marks.mark('a frame under way survives its process'),
        onSent: (from, to, frame) => {
          const [sender, receiver] = [this.at(from), this.at(to)];
          if (sender !== null && receiver !== null) {
            this.guard(() => this.oracle.sent(this.where(sender), receiver.id, frame));
          }
        },
      },
    });
  }

  /** Whom faults may strike. */
  get present(): readonly Member[] {
    return this.members.filter(({ left }) => !left);
  }

  /** Drawn before anybody knew who would be there: as many numbers as one likes fall to those who are. */
  struck(number: number): Member {
    const { present } = this;
    const member = present[number % present.length];
    if (member === undefined) throw new RangeError('nobody is there');
    return member;
  }

  holders(): readonly Member[] {
    return this.members.filter(({ witness }) => !witness);
  }

  at(address: string): Member | null {
    const all = [...this.members, ...this.copies];
    return all.find(({ replica }) => replica.site.address === address) ?? null;
  }

  where({ replica, id }: Member): At {
    return { replica: replica.name, id, start: replica.starts };
  }

  /** A violation within production code's own stack must not be caught by it. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.violation ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Whatever phase the world is in by then. */
  in(ms: number, run: () => void): void {
    this.timeline.plan(this.timeline.now + ms, arrivals, run);
  }
}
