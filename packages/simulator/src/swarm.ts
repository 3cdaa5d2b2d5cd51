/**
 * What kind of world a seed gives: how many replicas, which timers, which faults there are at all and how often.
 *
 * Owns    the draw. Each kind of fault is absent from some worlds: what hides behind another one is found there.
 * Never   draws what happens: faults.ts and workload.ts do, from streams of their own.
 */

import type { Random } from './random.js';
import type { Timers } from './replica.js';
import type { Habits } from './workload.js';

/** What the first state files of a chain say. */
export type Beginning =
  /** Every home says that the key has never signed. */
  | 'neverSigned'
  /** Every home has the same file. */
  | 'sameFile'
  /** One home has a file, the others nothing. */
  | 'oneFile'
  /** Files at different places. */
  | 'differentFiles'
  /** Files at one place, one with other bytes than the others. */
  | 'sameFileOtherBytes'
  /** Files without bytes. */
  | 'bareFile'
  /** One home has a file, another says that the key has never signed: refused until an operator corrects it. */
  | 'contradiction'
  /** Nobody says anything: refused until an operator says that the key has never signed. */
  | 'nothing';

/** Mean times between two of a kind, in milliseconds; infinite: there are none. */
export interface FaultRates {
  readonly kill: number;
  readonly powerLoss: number;
  readonly trip: number;
  readonly stop: number;
  readonly stall: number;
  readonly clock: number;
  readonly cut: number;
  readonly partition: number;
  readonly hunt: number;
  readonly reset: number;
  readonly hint: number;
  readonly noise: number;
  readonly slowDisk: number;
  readonly badDisk: number;
  readonly fullDisk: number;
  readonly damage: number;
  readonly oldCopy: number;
  readonly wipe: number;
  readonly clone: number;
  readonly validatorCut: number;
  readonly plainNode: number;
  readonly operator: number;
  readonly key: number;
  /** What an operator does about who is a member, and who leads. */
  readonly membership: number;
}

export interface Swarm {
  readonly replicas: number;
  /** Of the founders: those without keys, by their numbers. */
  readonly witnesses: readonly number[];
  readonly timers: Timers;
  readonly snapshotEntries: number;
  /** States are compared after each so many entries. */
  readonly stateHashEntries: number;
  /** Committed entries are applied so many at a time. */
  readonly applyEntries: number;
  readonly segmentBytes: number;
  readonly chains: readonly {
    readonly beginning: Beginning;
    readonly validators: number;
    /** Each validator is listed by one replica alone. */
    readonly exclusive: boolean;
    readonly habits: Habits;
  }[];
  readonly faultsForMs: number;
  readonly rates: FaultRates;
  /** Of each sector that was being written when the power failed, on disks that are marred: zeros or garbage. */
  readonly spoilt: number;
  /** Faults before the cluster is founded, too. */
  readonly faultsFromTheStart: boolean;
  /** The chance that a frame between replicas passes as bytes. */
  readonly codec: number;
  /** Keys in devices: slow, and asked once. */
  readonly devices: boolean;
  readonly baseDelayMs: number;
  /** What a sync takes on each replica's disk, mean: some machines are slower than others. */
  readonly diskMs: readonly number[];
}

/**
 * From this seed on worlds are long: hours of blocks of some seconds, with minutes between two faults of a kind. Those
 * below last for half a minute, and something is wrong all the time. What adds up slowly is found in long ones:
 * compaction over compaction, starts upon starts, clocks that drift.
 */
export const firstLongSeed = 1_000_000;

interface Pace {
  readonly timers: readonly Timers[];
  /** Between two faults of a kind, in relation to the election timeout. */
  readonly calm: number;
  /** How long there are faults, in milliseconds; from and to. */
  faultsForMs(scale: number): readonly [number, number];
  pausesMs(scale: number): readonly number[];
}

const hourMs = 3_600_000;

const dense: Pace = {
  timers: [
    { heartbeatIntervalMs: 25, electionTimeoutMs: 120, leaseMs: 90 },
    { heartbeatIntervalMs: 100, electionTimeoutMs: 500, leaseMs: 400 },
    { heartbeatIntervalMs: 150, electionTimeoutMs: 1000, leaseMs: 800 },
  ],
  calm: 1,
  faultsForMs: (scale) => [4000 * scale, 20_000 * scale],
  pausesMs: (scale) => [20 * scale, 60 * scale, 200 * scale, 600 * scale],
};
const long: Pace = {
  timers: [
    { heartbeatIntervalMs: 300, electionTimeoutMs: 2000, leaseMs: 1600 },
    { heartbeatIntervalMs: 600, electionTimeoutMs: 4000, leaseMs: 3200 },
    { heartbeatIntervalMs: 1500, electionTimeoutMs: 10_000, leaseMs: 8000 },
  ],
  calm: 3,
  faultsForMs: () => [1 * hourMs, 3 * hourMs],
  pausesMs: () => [2000, 4000, 8000],
};

export function drawSwarm(seed: Random, number: number): Swarm {
  const random = seed.fork('swarm');
  const pace = number < firstLongSeed ? dense : long;
  const timers = random.pick(pace.timers);
  const scale = timers.electionTimeoutMs / 120;
  // Else so much goes wrong that few leaders have anything to lose: in these worlds leaders are hunted, over a network
  // that loses frames, and hardly anything else happens.
  const kinds = random.chance(0.3) ? 0.2 : 1;
  /** Present in about half of the worlds, from rare to frequent. */
  const rate = (typicalMs: number, present = 0.5): number =>
    random.chance(present * kinds)
      ? typicalMs * scale * pace.calm * 2 ** random.range(-1.5, 2)
      : Number.POSITIVE_INFINITY;
  // Disks are marred in half of the worlds; in the others a plain node may sign.
  const marring = random.chance(0.5) ? 2 : 0;
  const replicas = random.pick([1, 3, 3, 3, 3, 3, 3, 3, 5, 5, 5]);
  const members = seed.fork('members');
  const changesMembers = replicas > 1 && members.chance(0.4);
  return {
    replicas,
    witnesses: drawWitnesses(members, replicas),
    timers,
    snapshotEntries: random.pick([5, 5, 5, 20, 100, 1000]),
    // Of a stream of its own: what else the world is does not depend on it.
    stateHashEntries: seed.fork('state hashes').pick([4, 16, 64, 256]),
    applyEntries: seed.fork('applying').pick([1, 2, 8, 64]),
    segmentBytes: random.pick([16, 32, 64, 256]) * 1024,
    chains: Array.from({ length: random.between(1, 3) }, () => drawChain(random, scale, pace)),
    faultsForMs: random.range(...pace.faultsForMs(scale)),
    rates: fitting(rate(5000, 0.6), {
      kill: rate(2500),
      powerLoss: rate(3500),
      trip: rate(800, 0.7),
      stop: rate(5000, 0.4),
      stall: rate(2500),
      clock: rate(4000, 0.3),
      cut: rate(1500),
      partition: rate(1500),
      hunt: rate(1200, kinds < 1 ? 1 / kinds : 0.7),
      reset: rate(1500),
      hint: rate(3000, 0.4),
      noise: rate(2000, kinds < 1 ? 0.6 / kinds : 0.5),
      slowDisk: rate(2000),
      badDisk: rate(5000, 0.3),
      fullDisk: rate(6000, 0.25),
      damage: rate(3000, marring * 0.3),
      oldCopy: rate(6000, marring * 0.3),
      wipe: rate(6000, marring * 0.25),
      clone: rate(6000, marring * 0.25),
      validatorCut: rate(3000),
      operator: rate(3000, 0.5),
      key: rate(6000, 0.35),
      membership: changesMembers
        ? 1800 * scale * pace.calm * 2 ** members.range(-1, 1)
        : Number.POSITIVE_INFINITY,
    }),
    spoilt: marring > 0 && random.fork('spoilt').chance(0.3) ? 0.1 : 0,
    faultsFromTheStart: random.chance(0.3),
    codec: random.pick([0, 0.05, 1]),
    devices: random.chance(0.2),
    baseDelayMs: random.pick([0.1, 0.5, 2, 10]),
    diskMs: Array.from({ length: replicas }, () => random.pick([0.4, 0.4, 0.4, 3, 15])),
  };
}

/**
 * A disk that is put back may hold a state file of before, and then nobody knows of the plain node; nor does a home
 * that comes later. Where members come and go, a disk is lost by an operator's hands alone (membership-work.ts), who
 * sees that enough others are left.
 */
function fitting(plainNode: number, drawn: Omit<FaultRates, 'plainNode'>): FaultRates {
  const never = Number.POSITIVE_INFINITY;
  const isFixed = drawn.membership === never;
  const marring = isFixed ? {} : { damage: never, oldCopy: never, wipe: never, clone: never };
  const rates = { ...drawn, ...marring };
  const { damage, oldCopy, wipe, clone } = rates;
  const isSound = isFixed && [damage, oldCopy, wipe, clone].every((ms) => ms === never);
  return { ...rates, plainNode: isSound ? plainNode : never };
}

/** Never the last one: it is who says what contradicts the others (making.ts). And never a majority. */
function drawWitnesses(random: Random, replicas: number): readonly number[] {
  if (replicas < 3 || !random.chance(0.3)) return [];
  const others = Array.from({ length: replicas - 1 }, (_, n) => n);
  return random.shuffled(others).slice(0, random.between(1, Math.floor((replicas - 1) / 2)));
}

const beginnings: readonly Beginning[] = [
  ...(['neverSigned', 'neverSigned', 'sameFile', 'sameFile', 'oneFile', 'oneFile'] as const),
  ...(['differentFiles', 'differentFiles', 'sameFileOtherBytes', 'bareFile'] as const),
  ...(['contradiction', 'contradiction', 'nothing'] as const),
];

/** @param scale  of the timers: what happens between two elections is alike, however long that is */
function drawChain(random: Random, scale: number, { pausesMs }: Pace): Swarm['chains'][number] {
  const wild = random.chance(0.5) ? 1 : 0;
  return {
    beginning: random.pick(beginnings),
    validators: random.pick([1, 1, 2, 3]),
    exclusive: random.chance(0.3),
    habits: {
      pauseMs: random.pick(pausesMs(scale)),
      otherContent: wild * random.pick([0, 0.02, 0.2]),
      nil: random.pick([0, 0.02, 0.2]),
      poison: wild * random.pick([0, 0, 0.01]),
      below: wild * random.pick([0, 0.02]),
      line: random.pick([0, 0.02, 0.1]),
      restart: random.pick([0, 0.01, 0.05]),
      newRound: random.pick([0, 0.05]),
    },
  };
}
