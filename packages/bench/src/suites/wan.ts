/**
 * What distance between the replicas costs: three of ours, linked by wires that delay, and the same without delay.
 *
 * Owns    the distances, and the two places of the link: at the leader, and at a follower, which hands requests on.
 * Never   delays what passes between a replica and the validator.
 */
import { plain } from '@cometkms/interop';
import type { Bench, Suite, SuiteResult } from '../bench.js';
import { roundTripMs } from '../round-trip.js';
import { inRounds, type Measured, type Turn } from '../rounds.js';
import { rounded } from '../statistics.js';
import { cmkmsWith, RunningCmkms } from '../systems/cmkms.js';
import { arranged, ledBy } from '../systems/roles.js';
import type { Taken } from '../validator/validator-side.js';
import { measured, WARM_UP_HEIGHTS } from './latency.js';

const ROUNDS = 3;
const REPLICAS = 3;
/** Each place of the link has its turn so often: what the machine does beside falls on both. */
const PARTS = 4;

interface Distance {
  readonly name: string;
  /**
   * Milliseconds each way: between the replica that holds the link and its nearer neighbour, between it and the
   * other one, between these two. Null: no wires.
   */
  readonly delays: readonly [near: number, far: number, across: number] | null;
  /** For each place of the link. */
  readonly heights: number;
  readonly warmUp: number;
  readonly trips: number;
}

const distances: readonly Distance[] = [
  { name: 'no delay', delays: null, heights: 1000, warmUp: 100, trips: 1000 },
  ...[5, 25, 75].map((ms) => apart(`${ms} ms`, [ms, ms, ms])),
  apart('5, 25 and 75 ms', [5, 25, 75]),
];

const linkPlaces = ['link at the leader', 'link at a follower'] as const;

export const wan: Suite = {
  name: 'wan',
  about:
    'time of one signature with distance between three replicas, the link at the leader or at a follower',
  notes: [
    'Delays are each way: a wire in user space stands before the port of each replica, one for each other that dials',
    'it. A link between two replicas passes one such wire, whichever of them dialled, and each byte is delayed once in',
    'either direction. `round trip` is measured with an echo behind a wire of the same delay: to the nearest follower',
    'of the replica that leads. In *5, 25 and 75 ms* the holder of the link is 5 ms from one replica and 25 ms from the',
    'other, and these two are 75 ms apart; as a follower it hands its requests to the nearer one. With a delay,',
    '`raft.profile` is `"wan"`. Between validator and replicas there is no delay. Requests are made in turn.',
    'Replicas are warm before the delays begin.',
  ].join('\n'),
  columns: [
    { figure: 'count', title: 'signatures' },
    { figure: 'roundTrip', title: 'round trip' },
    { figure: 'p50', title: 'p50' },
    { figure: 'p90', title: 'p90' },
    { figure: 'p99', title: 'p99' },
    { figure: 'max', title: 'max' },
    { figure: 'refused', title: 'refused' },
  ],
  compared: null,
  plot: { figure: 'p50', axis: 'p50, ms' },
  run: runWan,
};

async function runWan(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const systems = bench.systems.filter(({ name }) => name === 'cmkms-3');
  if (systems.length === 0) throw new Error('wan needs three replicas of ours: --systems cmkms-3');
  const rows = [];
  for (const distance of distances) {
    const settings = { 'raft.profile': '"wan"' };
    const system = cmkmsWith(REPLICAS, distance.delays === null ? {} : { settings, wired: true });
    rows.push(
      ...(await inRounds(bench, [system], { rounds, chains: 1 }, (turn) =>
        atDistance(turn, distance, bench.scale),
      )),
    );
  }
  return {
    settings: {
      rounds,
      warmUp: scaled(WARM_UP_HEIGHTS, bench.scale),
      heights: distances.map(({ heights }) => scaled(heights, bench.scale)).join('/'),
    },
    systems,
    leftOut: bench.systems
      .filter((system) => !systems.includes(system))
      .map(({ title }) => `${title}: only three replicas of ours are put at a distance`),
    rows,
  };
}

async function atDistance(
  turn: Turn,
  distance: Distance,
  scale: number,
): Promise<readonly Measured[]> {
  const { fleet, wires } = oursOf(turn);
  const { holder } = await arranged(fleet, 'together');
  const [near = '', far = ''] = fleet.replicas.map(({ name }) => name).filter((n) => n !== holder);
  const leaders = { 'link at the leader': holder, 'link at a follower': near } as const;
  let next = 1n;
  const ask = async (heights: number): Promise<readonly Taken[]> => {
    const from = next;
    next += BigInt(heights);
    return turn.validators.askInTurn(0, from, heights);
  };
  const led = async (place: (typeof linkPlaces)[number]): Promise<void> => {
    const roles = await ledBy(fleet, leaders[place]);
    if (roles.holder === holder) return;
    throw new Error(`${distance.name}: the link moved from ${holder} to ${roles.holder}`);
  };
  // While there is no delay yet: code that never ran would take longer than what is to be measured.
  for (const place of linkPlaces) {
    await led(place);
    await ask(scaled(WARM_UP_HEIGHTS / linkPlaces.length, scale));
  }
  const { delays } = distance;
  const order = delays === null ? null : { ...plain, delayMs: delays[0] };
  if (delays !== null) {
    const [toNear, toFar, across] = delays;
    wires?.order(holder, near, { ...plain, delayMs: toNear });
    wires?.order(holder, far, { ...plain, delayMs: toFar });
    wires?.order(near, far, { ...plain, delayMs: across });
  }
  const roundTrip = await roundTripMs(order, scaled(distance.trips, scale));
  const taken: Record<(typeof linkPlaces)[number], Taken[]> = {
    'link at the leader': [],
    'link at a follower': [],
  };
  for (let part = 0; part < PARTS; part += 1) {
    for (const place of linkPlaces) {
      await led(place);
      await ask(scaled(distance.warmUp / (part + 1), scale));
      taken[place].push(...(await ask(scaled(distance.heights / PARTS, scale))));
      await turn.validators.verify();
    }
  }
  return linkPlaces.map((place) => {
    const row = measured(`${distance.name}, ${place}`, taken[place]);
    return { ...row, figures: { roundTrip: rounded(roundTrip), ...row.figures } };
  });
}

function apart(name: string, delays: Distance['delays']): Distance {
  return { name, delays, heights: 100, warmUp: 10, trips: 50 };
}

const scaled = (count: number, scale: number): number => Math.max(1, Math.ceil(count * scale));

function oursOf({ running }: Turn): RunningCmkms {
  if (running instanceof RunningCmkms) return running;
  throw new Error('only replicas of ours are put at a distance');
}
