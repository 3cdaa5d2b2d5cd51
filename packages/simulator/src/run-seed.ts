/**
 * One seed, from the beginning of its world to the end.
 *
 * Owns    what became of it, as data that can go from process to process.
 */
import { InvariantViolation, onViolation } from '@cometkms/invariant';
import { Marks } from './marks.js';
import { Violation } from './violation.js';
import { World, type WorldOptions } from './world.js';

export interface Failure {
  readonly promise: string;
  readonly saw: string;
  readonly stack: string;
}

export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  readonly simulatedMs: number;
  readonly events: number;
  readonly steps: number;
  readonly releases: number;
  readonly tookMs: number;
  readonly world: string;
  readonly electionTimeoutMs: number;
  readonly failoversMs: readonly number[];
  readonly faults: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, number>>;
  readonly failure: Failure | null;
  /** Only of a failure. */
  readonly lastLines: readonly string[];
}

/** Production asserts must not end the simulator: they are what it looks for. */
onViolation((violation) => {
  throw violation;
});

/** A promise that nobody handles would end a real process. */
let unhandled: unknown = null;
process.on('unhandledRejection', (reason) => {
  unhandled ??= reason;
});

export async function runSeed(options: WorldOptions): Promise<SeedResult> {
  const began = performance.now();
  unhandled = null;
  const world = new World(options);
  let failure: Failure | null = null;
  try {
    await world.run();
    // Told to us only when the program itself breathes.
    await new Promise((resolve) => setImmediate(resolve));
    if (unhandled !== null) throw unhandled;
  } catch (error) {
    failure = failureOf(error);
  }
  return {
    seed: options.seed,
    hash: world.trace.hash,
    simulatedMs: world.timeline.now,
    events: world.timeline.count,
    steps: world.steps,
    releases: world.oracle.releases,
    tookMs: performance.now() - began,
    world: world.describe(),
    electionTimeoutMs: world.electionTimeoutMs,
    failoversMs: world.failoversMs,
    faults: Object.fromEntries(world.faultCounts),
    marks: Marks.asRecord(world.marks),
    failure,
    lastLines: failure === null ? [] : world.trace.last(50),
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof Violation) {
    return { promise: error.promise, saw: error.saw, stack: error.stack ?? '' };
  }
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  const promise =
    error instanceof InvariantViolation
      ? 'the program’s own assertions hold'
      : 'the program throws nothing but its errors';
  return { promise, saw: message, stack };
}
