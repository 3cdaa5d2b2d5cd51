/**
 * What goes wrong in a world, and when: the list that a seed gives, made before the world begins.
 *
 * Owns    the kinds of faults and their draw. As the list stands before anything happens, any part of it can be left
 *         out and the rest stays as it was: that is how a failure is shrunk (shrink.ts).
 * Never   does anything: world.ts carries each out.
 * Atlas   Only a minority of the replicas ever has its disk damaged, put back, wiped or copied: `marred`. Then what a quorum
 *         has acknowledged is still with one that knows. What no cluster can see is left out here and nowhere else: a
 *         disk that is put back while every replica that knew it later is marred as well. And a copy that is taken in
 *         by one while its original is with others: copies.ts.
 */
import type { Random } from './random.js';
import type { Swarm } from './swarm.js';

/** An end, or a stand-still, in the middle of what a chance moment would hardly ever meet: a write of this kind. */
export interface Trip {
  readonly upon:
    | 'vote'
    | 'truncation'
    | 'snapshot'
    | 'reset'
    | 'entries'
    | 'genesis'
    /** That another one has joined, while it leads. */
    | 'lateMark';
  readonly how: 'kill' | 'powerLoss' | 'hang' | 'stall' | 'writeError' | 'shortWrite';
  /** From when it is handed to the log. */
  readonly afterMs: number;
  /** Dead, or hanging, or standing still. */
  readonly downMs: number;
}

export type Fault =
  | { readonly kind: 'kill' | 'powerLoss' | 'stop'; readonly on: number; readonly downMs: number }
  | ({ readonly kind: 'trip'; readonly on: number } & Trip)
  | { readonly kind: 'allLosePower'; readonly downMs: number }
  | { readonly kind: 'stall'; readonly on: number; readonly ms: number }
  | { readonly kind: 'clock'; readonly on: number; readonly rate: number; readonly wallMs: number }
  | { readonly kind: 'cut'; readonly from: number; readonly to: number; readonly ms: number }
  | { readonly kind: 'partition'; readonly side: readonly number[]; readonly ms: number }
  /** Whoever leads, one after the other: what an old leader alone has, and a later one lacks. */
  | {
      readonly kind: 'hunt';
      /** `hint`: cut off, and all others are told that their links with it closed, so that none waits for its lease. */
      readonly how: 'cut' | 'hint' | 'kill' | 'powerLoss' | 'stall';
      readonly times: number;
      /** Cut off with it; too few for a majority. */
      readonly companions: number;
      /** Written to it while it is cut off. */
      readonly orders: number;
      /** It has just called its successor: the call comes when the cut is over. */
      readonly calls: boolean;
      /** Of its companions, or else its own, at what must be dropped when the cut is over. */
      readonly trip: Trip | null;
      readonly everyMs: number;
      /** The first one leads again at the end, and is asked what others have signed meanwhile. */
      readonly back: boolean;
    }
  | { readonly kind: 'reset'; readonly x: number; readonly y: number }
  | { readonly kind: 'hint'; readonly at: number; readonly of: number }
  | {
      readonly kind: 'noise';
      readonly loss: number;
      readonly duplicate: number;
      readonly reorder: number;
      readonly stray: number;
      readonly tail: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'slowDisk';
      readonly on: number;
      readonly hangMs: number;
      readonly stall: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'badDisk';
      readonly on: number;
      readonly writeError: number;
      readonly syncError: number;
      readonly readError: number;
      readonly shortWrite: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'fullDisk';
      readonly on: number;
      /** What it still takes. */
      readonly roomBytes: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'damage';
      readonly on: number;
      /** A tail flip: among the last bytes of its log, while its machine is off. */
      readonly how: 'bitFlip' | 'tailFlip' | 'misdirected';
      readonly ms: number;
    }
  | { readonly kind: 'oldCopy'; readonly on: number; readonly afterMs: number }
  | {
      readonly kind: 'wipe';
      readonly on: number;
      /** The record beside the key, that this replica has joined. */
      readonly record: 'kept' | 'lost';
      readonly downMs: number;
    }
  | {
      readonly kind: 'clone';
      readonly on: number;
      /** How old the copy is when it starts, and how long it runs. */
      readonly afterMs: number;
      readonly ms: number;
      /** What becomes of its original meanwhile. */
      readonly original: 'runs' | 'kill' | 'stop';
      readonly downMs: number;
    }
  | { readonly kind: 'validatorCut'; readonly on: number; readonly ms: number }
  | {
      readonly kind: 'plainNode';
      /** From when all validators ask to when the replicas go down: some requests are under way then. */
      readonly afterMs: number;
      readonly on: number;
      readonly everywhere: boolean;
      readonly downMs: number;
    }
  | {
      readonly kind: 'operator';
      readonly deed: 'floor' | 'halt' | 'lowFloor' | 'handOver' | 'limits' | 'retire';
      readonly chain: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'key';
      readonly on: number;
      readonly how: 'fails' | 'wrong';
      readonly ms: number;
    }
  | MemberDeed;

/** What an operator sets about; carried out by membership-work.ts, for as long as he has patience. */
export interface MemberDeed {
  readonly kind: 'membership';
  readonly deed: 'add' | 'remove' | 'removeLeader' | 'replace' | 'transfer' | 'reuse';
  /** Whom it is about, where it is about one who is there. */
  readonly on: number;
  /** Whoever leads is cut off just then, and a second operator adds a member: what it takes in, it cannot commit. */
  readonly whileCut: boolean;
  /** Of a newcomer: its home holds no key. */
  readonly witness: boolean;
  /** Of a newcomer in another's place: it is called as that one was. */
  readonly sameName: boolean;
  /** The home of a newcomer is started then, admitted or not. */
  readonly startMs: number;
  /** For so long he waits for one answer, and for so long he goes on asking at all. */
  readonly answerMs: number;
  readonly patienceMs: number;
  /** The disk of who is replaced: gone for good; gone, and its home is started all the same; sound. */
  readonly disk: 'lost' | 'startedEmpty' | 'sound';
  /** With the disk, the record beside the key. */
  readonly record: 'kept' | 'lost';
  /** What becomes of one that was removed: stopped; left to itself; down meanwhile, and started late. */
  readonly afterwards: 'stopped' | 'runs' | 'late';
  readonly lateMs: number;
  /** The lists in all configurations are edited then, for the next starts. */
  readonly edits: boolean;
}

/** Whoever retires a chain leaves nothing to see of it: seldom. */
const operatorDeeds = [
  ...(['floor', 'floor', 'floor', 'halt', 'halt', 'halt', 'handOver', 'handOver'] as const),
  ...(['lowFloor', 'lowFloor', 'limits', 'retire'] as const),
];

/** Whoever removes must have added. */
const memberDeeds = [
  ...(['add', 'add', 'add', 'add', 'replace', 'replace', 'replace', 'remove', 'remove'] as const),
  ...(['removeLeader', 'removeLeader', 'transfer', 'reuse'] as const),
];

export interface PlannedFault {
  /** Its place in the whole list, by which it is left out. */
  readonly number: number;
  readonly atMs: number;
  readonly fault: Fault;
}

export interface FaultPlan {
  readonly faults: readonly PlannedFault[];
  /** Replicas whose disks may be damaged, put back, wiped or copied; fewer than half. */
  readonly marred: readonly number[];
}

export function planFaults(seed: Random, swarm: Swarm): FaultPlan {
  const { replicas, rates, faultsForMs, timers } = swarm;
  const all = Array.from({ length: replicas }, (_, i) => i);
  const marred = seed
    .fork('marred')
    .shuffled(all)
    .slice(0, Math.floor((replicas - 1) / 2));
  const election = timers.electionTimeoutMs;
  const from = swarm.faultsFromTheStart ? 0 : 20 * election;
  const planned: { atMs: number; fault: Fault }[] = [];
  const draw = (kind: keyof typeof rates, make: (random: Random) => Fault | null): void => {
    const random = seed.fork(`fault ${kind}`);
    const mean = rates[kind];
    if (mean === Number.POSITIVE_INFINITY) return;
    for (
      let at = from + random.exponential(mean);
      at < from + faultsForMs;
      at += random.exponential(mean)
    ) {
      const fault = make(random);
      if (fault !== null) planned.push({ atMs: at, fault });
    }
  };
  // Who is there by then: newcomers too, so that a number is one of those at that moment (scene.ts).
  const seats =
    rates.membership === Number.POSITIVE_INFINITY ? all : [...all, ...all.map((n) => n + replicas)];
  const one = (random: Random): number => random.pick(seats);
  const other = (random: Random, than: number): number | null =>
    replicas === 1 ? null : random.pick(seats.filter((i) => i !== than));
  const someTime = (random: Random): number => random.exponential(6 * election);
  draw('kill', (r) => ({ kind: 'kill', on: one(r), downMs: someTime(r) }));
  draw('powerLoss', (r) =>
    r.chance(0.15)
      ? { kind: 'allLosePower', downMs: someTime(r) }
      : { kind: 'powerLoss', on: one(r), downMs: someTime(r) },
  );
  planned.push(...lateFounder(seed.fork('late founder'), all, someTime));
  const dropping = (r: Random): Trip => ({
    upon: 'truncation',
    how: r.pick(['kill', 'kill', 'powerLoss', 'hang']),
    afterMs: r.exponential(r.pick([0.6, 3])),
    // Soon back, with a log that is shorter than it was.
    downMs: r.exponential(r.pick([0.1, 6]) * election),
  });
  draw('trip', (r) => ({
    kind: 'trip',
    on: one(r),
    upon: r.pick(['vote', 'truncation', 'truncation', 'snapshot', 'reset', 'reset', 'entries']),
    how: r.pick([
      'kill',
      'powerLoss',
      'kill',
      'powerLoss',
      'hang',
      'stall',
      'writeError',
      'shortWrite',
    ]),
    afterMs: r.exponential(0.6),
    downMs: someTime(r),
  }));
  draw('stop', (r) => ({ kind: 'stop', on: one(r), downMs: someTime(r) }));
  draw('stall', (r) => ({
    kind: 'stall',
    on: one(r),
    ms: r.exponential(r.pick([0.3, 2, 10]) * election),
  }));
  draw('clock', (r) => ({
    kind: 'clock',
    on: one(r),
    rate: r.pick([0.5, 0.99, 1, 1.01, 2]),
    wallMs: r.range(-1e9, 1e9),
  }));
  draw('cut', (r) => {
    const [x, y] = [one(r), 0];
    const to = other(r, x);
    return to === null ? null : { kind: 'cut', from: x, to: to + y, ms: someTime(r) };
  });
  draw('partition', (r) => {
    const side = r.shuffled(seats).slice(0, r.between(1, Math.max(1, seats.length - 1)));
    // Now and then so long that links to validators are given up.
    const longMs = r.chance(0.15) ? r.range(9000, 20_000) : 0;
    return { kind: 'partition', side, ms: someTime(r) + longMs };
  });
  draw('hunt', (r) => ({
    kind: 'hunt',
    how: r.pick(['cut', 'cut', 'cut', 'hint', 'kill', 'powerLoss', 'stall', 'stall']),
    times: r.between(2, 5),
    companions: r.between(0, Math.max(0, Math.ceil(replicas / 2) - 2)),
    orders: r.pick([0, 0, 1, 3, 30]),
    calls: r.chance(0.2),
    trip: r.chance(0.5) ? dropping(r) : null,
    // Half of them long enough for another to be elected meanwhile, whatever the draw.
    everyMs: election * (r.chance(0.5) ? 0.5 + r.exponential(1.5) : 3 + r.exponential(1.5)),
    back: r.chance(0.5),
  }));
  draw('reset', (r) => {
    const x = one(r);
    const y = other(r, x);
    return y === null ? null : { kind: 'reset', x, y };
  });
  draw('hint', (r) => {
    const at = one(r);
    const of = other(r, at);
    return of === null ? null : { kind: 'hint', at, of };
  });
  draw('noise', (r) => ({
    kind: 'noise',
    loss: r.pick([0, 0.05, 0.3]),
    duplicate: r.pick([0, 0.1, 0.5]),
    reorder: r.pick([0, 0.1, 0.5]),
    stray: r.pick([0, 0.5]),
    tail: r.pick([0, 0.02, 0.1]),
    ms: someTime(r),
  }));
  draw('slowDisk', (r) => ({
    kind: 'slowDisk',
    on: one(r),
    hangMs: r.chance(0.5) ? someTime(r) : 0,
    stall: r.pick([0, 0.05, 0.3]),
    ms: 3 * someTime(r),
  }));
  draw('badDisk', (r) => ({
    kind: 'badDisk',
    on: one(r),
    writeError: r.pick([0, 0.1]),
    syncError: r.pick([0, 0.2]),
    readError: r.pick([0, 0, 0.1]),
    shortWrite: r.pick([0, 0.3]),
    ms: 4 * someTime(r),
  }));
  draw('fullDisk', (r) => ({
    kind: 'fullDisk',
    on: one(r),
    roomBytes: r.pick([0, 0, 4096, 12_288, 40_960]),
    ms: 4 * someTime(r),
  }));
  const marredOne = (random: Random): number | null =>
    marred.length === 0 ? null : random.pick(marred);
  draw('damage', (r) => {
    const on = marredOne(r);
    return on === null
      ? null
      : {
          kind: 'damage',
          on,
          how: r.pick(['bitFlip', 'tailFlip', 'tailFlip', 'misdirected']),
          ms: someTime(r),
        };
  });
  draw('oldCopy', (r) => {
    const on = marredOne(r);
    return on === null ? null : { kind: 'oldCopy', on, afterMs: r.exponential(20 * election) };
  });
  draw('wipe', (r) => {
    const on = marredOne(r);
    return on === null
      ? null
      : { kind: 'wipe', on, record: r.pick(['kept', 'lost', 'lost']), downMs: someTime(r) };
  });
  draw('clone', (r) => {
    const on = marredOne(r);
    return on === null
      ? null
      : {
          kind: 'clone',
          on,
          // Half of them as young as can be: one that shows no less than its original.
          afterMs: r.exponential(r.pick([0.1, 10]) * election),
          ms: 3 * someTime(r),
          original: r.pick(['runs', 'runs', 'kill', 'stop']),
          downMs: someTime(r),
        };
  });
  draw('validatorCut', (r) => ({ kind: 'validatorCut', on: one(r), ms: someTime(r) }));
  draw('plainNode', (r) => ({
    kind: 'plainNode',
    on: one(r),
    everywhere: r.chance(0.7),
    afterMs: r.exponential(4 * swarm.baseDelayMs + 1),
    downMs: someTime(r),
  }));
  draw('operator', (r) => ({
    kind: 'operator',
    deed: r.pick(operatorDeeds),
    chain: r.between(0, swarm.chains.length - 1),
    ms: someTime(r),
  }));
  draw('key', (r) => ({
    kind: 'key',
    on: one(r),
    how: r.pick(['fails', 'wrong']),
    ms: 3 * someTime(r),
  }));
  draw('membership', (r) => ({
    kind: 'membership',
    deed: r.pick(memberDeeds),
    on: one(r),
    whileCut: r.chance(0.35),
    witness: r.chance(0.3),
    sameName: r.chance(0.5),
    startMs: r.pick([0, someTime(r)]),
    answerMs: r.pick([0.5, 3, 20]) * election,
    patienceMs: r.range(20, 80) * election,
    disk: r.pick(['lost', 'startedEmpty', 'sound']),
    record: r.pick(['kept', 'lost']),
    afterwards: r.pick(['stopped', 'runs', 'runs', 'late']),
    lateMs: r.range(5, 60) * election,
    edits: r.chance(0.5),
  }));
  planned.sort((x, y) => x.atMs - y.atMs);
  return { faults: planned.map((fault, number) => ({ number, ...fault })), marred };
}

/** One of them is founded when others lead already, and whoever leads is slow to note that it is there. */
function lateFounder(
  random: Random,
  all: readonly number[],
  someTime: (random: Random) => number,
): { atMs: number; fault: Fault }[] {
  if (!random.chance(0.5)) return [];
  const late = random.pick(all);
  const how = random.pick(['kill', 'powerLoss', 'hang', 'stall'] as const);
  return all.map((on) => {
    const times = { afterMs: on === late ? random.exponential(0.3) : 0, downMs: someTime(random) };
    const trip: Trip =
      on === late
        ? { upon: 'genesis', how, ...times }
        : { upon: 'lateMark', how: 'hang', ...times };
    return { atMs: 0, fault: { kind: 'trip', on, ...trip } };
  });
}

/** Null: all are there in time. */
export function lateFounderIn({ faults }: FaultPlan): number | null {
  for (const { fault } of faults)
    if (fault.kind === 'trip' && fault.upon === 'genesis') return fault.on;
  return null;
}

export function describeFault(fault: Fault, nameOf: (replica: number) => string): string {
  const words = Object.entries(fault).map(([key, value]) => {
    if (key === 'kind') return String(value);
    if (['on', 'from', 'to', 'x', 'y', 'at', 'of'].includes(key))
      return `${key} ${nameOf(value as number)}`;
    if (key === 'side') return `side ${(value as number[]).map(nameOf).join('+')}`;
    if (key === 'trip' && value !== null) return `trip (${Object.values(value as Trip).join(' ')})`;
    return `${key} ${typeof value === 'number' ? Number(value.toPrecision(4)) : String(value)}`;
  });
  return words.join(' ');
}
