/**
 * How long one signature takes when nothing else is asked: proposal, prevote, precommit, height after height.
 *
 * Owns    the cases: votes as they are, right after a start, and with extensions of 64 KiB; and what the machine
 *         itself needs, in each round before the systems.
 */
import { until } from '@cometkms/interop';
import { type Bench, quantiles, type Suite, type SuiteResult } from '../bench.js';
import { majorityWrite, thisMachine } from '../floor/floor.js';
import {
  inRounds,
  type Measured,
  type MeasuredWithout,
  measuredTimes,
  type Turn,
} from '../rounds.js';
import type { System } from '../systems/system.js';
import { steps, type Taken } from '../validator/validator-side.js';

const ROUNDS = 5;
/** As after twenty minutes of a chain with a block a second: by then compilers have seen the work. */
export const WARM_UP_HEIGHTS = 1200;
const FIRST_HEIGHTS = 100;
const HEIGHTS = 1000;
const EXTENSION_HEIGHTS = 200;
const FIRST_WITHIN_MS = 120_000;
export const EXTENSION_BYTES = 64 * 1024;

const bareMachine = {
  ...thisMachine,
  title: 'majority write of this machine',
  durability: 'synced on a majority',
};

export const latency: Suite = {
  name: 'latency',
  about: 'time of one signature, asked for in turn: proposal, prevote, precommit',
  notes:
    'Each request is made as soon as the answer to the one before is there. Time is from the call at the validator ' +
    'until the signature is there. *Votes* are those after the warm-up, *first heights* the first hundred after a start. ' +
    '*Majority write* is no signer: three bare processes, a record of 256 bytes synced ' +
    'by two of them, over TLS, as in [floor](floor.md).',
  columns: [...quantiles, { figure: 'refused', title: 'refused' }],
  compared: 'p50',
  plot: 'distribution',
  run: runLatency,
};

async function runLatency(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const heights = Math.ceil(HEIGHTS * bench.scale);
  const warmUp = Math.ceil(WARM_UP_HEIGHTS * bench.scale);
  const withExtensions = Math.ceil(EXTENSION_HEIGHTS * bench.scale);
  const without = (): Promise<MeasuredWithout> => bareMajority(heights * steps.length);
  const options = { rounds, chains: 1, without };
  const rows = await inRounds(bench, bench.systems, options, async (turn) => {
    const start = await warm(turn, 1n, 1);
    const cold = await asked(turn, 'first heights', start, FIRST_HEIGHTS, 0);
    const next = await warm(turn, start + BigInt(FIRST_HEIGHTS), warmUp);
    const votes = await asked(turn, 'votes', next, heights, 0);
    const last = next + BigInt(heights);
    if (!signsExtensions(turn.system)) {
      await turn.validators.verify();
      return [votes, cold];
    }
    // An extension is a matter of precommits alone.
    const extended = await asked(turn, 'extensions', last, withExtensions, EXTENSION_BYTES);
    await turn.validators.verify();
    return [votes, cold, extended];
  });
  return {
    settings: {
      ...{ rounds, warmUp, heights },
      ...{ firstHeights: FIRST_HEIGHTS, heightsWithExtensions: withExtensions },
    },
    systems: [bareMachine, ...bench.systems],
    leftOut: bench.systems
      .filter((system) => !signsExtensions(system))
      .map(({ title, mostExtensionBytes: most }) => {
        const able = most === 0 ? 'signs no extensions' : `signs extensions up to ${most} bytes`;
        return `${title}: ${able}, its case is missing`;
      }),
    rows,
  };
}

const signsExtensions = ({ mostExtensionBytes }: System): boolean =>
  mostExtensionBytes >= EXTENSION_BYTES;

/** Beside the votes, as a row of their table: in the same round, by as many records as there are signatures. */
async function bareMajority(records: number): Promise<MeasuredWithout> {
  const found = Object.values(await majorityWrite('TLS', records));
  return { system: bareMachine.name, rows: found.map((times) => measuredTimes('votes', times)) };
}

/**
 * Compilers and caches of all processes have seen the work before the clock runs. At first a cluster may refuse, as
 * some do while their replicas find each other: an operator starts the node later.
 * @returns the height to go on from; more than `from` and `heights` together only where it refused for longer
 */
export async function warm({ validators }: Turn, from: bigint, heights: number): Promise<bigint> {
  const end = from + BigInt(heights);
  let next = from;
  const signs = async (): Promise<true | undefined> => {
    const taken = await validators.askInTurn(0, next, 1);
    next += 1n;
    return taken.every(({ refused }) => refused === null) ? true : undefined;
  };
  await until('a first height that is signed', signs, FIRST_WITHIN_MS);
  if (next < end) await validators.askInTurn(0, next, Number(end - next));
  await validators.verify();
  return next < end ? end : next;
}

async function asked(
  { validators }: Turn,
  name: string,
  from: bigint,
  heights: number,
  extensionBytes: number,
): Promise<Measured> {
  const taken = await validators.askInTurn(0, from, heights, extensionBytes);
  const judged = extensionBytes > 0 ? taken.filter(({ step }) => step === 'precommit') : taken;
  return measured(name, judged);
}

/** The row of one case: quantiles of what was signed, and how much was not. */
export function measured(name: string, taken: readonly Taken[]): Measured {
  const signed = taken.filter(({ refused }) => refused === null).map(({ tookMs }) => tookMs);
  const refused = taken.length - signed.length;
  if (signed.length === 0) return { case: name, figures: { count: 0, refused } };
  const row = measuredTimes(name, signed);
  return { ...row, figures: { ...row.figures, refused } };
}
