/**
 * One seeded world of the simulator, replayed against the specification.
 *
 * Owns    which seeds are taken, and what a replay came to.
 * Never   forgives a world that broke a promise before the specification saw it: that fails as well.
 * Proof   test/model-replay.test.ts: worlds with a bug planted into the program are no behaviours.
 */
import { Random } from '../random.js';
import { type Failure, runSeed } from '../run-seed.js';
import { drawSwarm } from '../swarm.js';
import { checkTrace, type Fault } from './check.js';
import { encodeEvent } from './events.js';
import { Recording, speaksOf } from './recording.js';

export interface Replayed {
  readonly seed: number;
  readonly events: number;
  readonly chains: number;
  readonly released: number;
  readonly crashes: number;
  readonly tookMs: number;
  /** Null: what the world did is a behaviour of the specification. */
  readonly divergence: Divergence | null;
  /** What the simulator itself says. */
  readonly failure: Failure | null;
}

export interface Divergence {
  readonly why: string;
  /** The last ones, as lines; the one that cannot have happened comes last. */
  readonly events: readonly string[];
}

/** From `first` on, those of whose worlds the specification speaks. */
export function seedsFrom(first: number, count: number): readonly number[] {
  const seeds: number[] = [];
  for (let seed = first; seeds.length < count; seed += 1) {
    if (speaksOf(drawSwarm(new Random(seed, 'world'), seed))) seeds.push(seed);
  }
  return seeds;
}

export async function replaySeed(seed: number): Promise<Replayed> {
  const began = performance.now();
  const recording = new Recording();
  const { failure } = await runSeed({ seed, recording });
  const { events, lost } = recording;
  const replicas = [...new Set(events.map(({ replica }) => replica))];
  const fault = checkTrace(replicas, events);
  const [unexplained] = lost;
  const count = (kind: string): number => events.filter((event) => event.kind === kind).length;
  return {
    seed,
    events: events.length,
    chains: new Set(events.flatMap((event) => ('chain' in event ? [event.chain] : []))).size,
    released: count('released'),
    crashes: count('crashed'),
    tookMs: performance.now() - began,
    divergence:
      fault !== null
        ? divergenceOf(fault, recording)
        : unexplained === undefined
          ? null
          : { why: unexplained, events: [] },
    failure,
  };
}

/** Those of its own chain, and of whole replicas. */
function divergenceOf({ at, event, why }: Fault, { events }: Recording): Divergence {
  const chain = 'chain' in event ? event.chain : null;
  const before = events
    .slice(0, at)
    .filter((each) => !('chain' in each) || each.chain === chain)
    .slice(-20);
  return { why, events: [...before, event].map(encodeEvent) };
}
