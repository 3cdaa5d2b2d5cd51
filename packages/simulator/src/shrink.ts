/**
 * Fewer faults for the same broken promise.
 *
 * Owns    the search: halves of the plan are left out, then smaller parts, as long as the same promise still breaks
 *         (delta debugging, Zeller).
 * Never   changes a fault, or the seed: what is left happens as it did, as every draw has a stream of its own.
 */
import { describeFault, type PlannedFault } from './faults.js';
import { type Failure, runSeed } from './run-seed.js';
import { World } from './world.js';

export interface Shrunk {
  readonly kept: readonly PlannedFault[];
  readonly of: number;
  readonly failure: Failure;
  readonly runs: number;
}

export async function shrink(
  seed: number,
  failure: Failure,
  told: (kept: number, runs: number) => void,
): Promise<Shrunk> {
  const { faults } = new World({ seed }).plan;
  let kept = faults.map(({ number }) => number);
  let last = failure;
  let runs = 0;
  const failsWith = async (candidates: readonly number[]): Promise<boolean> => {
    const without = new Set(
      faults.map(({ number }) => number).filter((n) => !candidates.includes(n)),
    );
    runs += 1;
    const result = await runSeed({ seed, without });
    if (result.failure?.promise !== failure.promise) return false;
    last = result.failure;
    return true;
  };
  for (
    let size = Math.ceil(kept.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < kept.length; ) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await failsWith(rest)) {
        kept = rest;
        told(kept.length, runs);
      } else at += size;
    }
  }
  return {
    kept: faults.filter(({ number }) => kept.includes(number)),
    of: faults.length,
    failure: last,
    runs,
  };
}

/** For a file that a reader can go through, and that names how to repeat it. */
export function describeShrunk(seed: number, { kept, of, failure, runs }: Shrunk): string {
  const world = new World({ seed });
  const nameOf = (n: number): string => world.members[n]?.replica.name ?? `number ${n}`;
  const lines = kept.map(
    ({ number, atMs, fault }) =>
      `${(atMs / 1000).toFixed(3).padStart(9)} s  ${String(number).padStart(4)}  ${describeFault(fault, nameOf)}`,
  );
  return [
    `# ${failure.promise}`,
    `# ${failure.saw.split('\n')[0] ?? ''}`,
    '#',
    `# ${world.describe()}`,
    `# ${kept.length} of ${of} faults kept, after ${runs} runs. Again:`,
    `#   npm run simulate -- --seed ${seed} --only ${kept.map(({ number }) => number).join(',') || 'none'} --trace`,
    '',
    ...lines,
    '',
  ].join('\n');
}
