/**
 * How many signatures a second, when many chains ask at once, each in turn for itself.
 *
 * Owns    the numbers of chains. Validators run on the same processors: what they need is not there for the signer.
 */
import type { Bench, Suite, SuiteResult } from '../bench.js';
import { inRounds, type Measured, type Turn } from '../rounds.js';
import { rounded } from '../statistics.js';
import type { Taken } from '../validator/validator-side.js';
import { measured } from './latency.js';

const ROUNDS = 3;
const SECONDS = 10;
const WARM_UP_SECONDS = 10;
const FIRST_WITHIN_MS = 120_000;
const chainCounts = [1, 8, 64, 256] as const;

export const throughput: Suite = {
  name: 'throughput',
  about: 'signatures per second with 1, 8, 64 and 256 chains asking at once',
  notes:
    'Each chain has a validator of its own, which asks in turn and without a pause. All replicas and all validators ' +
    'share the processors of one machine.',
  columns: [
    { figure: 'perSecond', title: 'signatures/s' },
    { figure: 'p50', title: 'p50' },
    { figure: 'p99', title: 'p99' },
    { figure: 'max', title: 'max' },
    { figure: 'refused', title: 'refused' },
  ],
  compared: 'perSecond',
  plot: { figure: 'perSecond', axis: 'signatures per second' },
  run: runThroughput,
};

async function runThroughput(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const seconds = SECONDS * bench.scale;
  const warmUpSeconds = WARM_UP_SECONDS * bench.scale;
  const rows = [];
  for (const chains of chainCounts) {
    const able = bench.systems.filter(({ mostChains }) => mostChains >= chains);
    rows.push(
      ...(await inRounds(bench, able, { rounds, chains }, async (turn) => {
        await Promise.all(Array.from({ length: chains }, (_, chain) => begin(turn, chain)));
        const { next } = await askAll(turn, chains, warmUpSeconds, 2n);
        await turn.validators.verify();
        return [await counted(turn, chains, seconds, next)];
      })),
    );
  }
  return {
    settings: { rounds, warmUpSeconds, seconds },
    systems: bench.systems,
    leftOut: bench.systems
      .filter(({ mostChains }) => mostChains < 256)
      .map(({ title, mostChains }) => `${title}: run with at most ${mostChains} chains`),
    rows,
  };
}

/** A chain is signed for once all replicas have spoken of it: until then a request is refused. */
async function begin({ validators }: Turn, chain: number): Promise<void> {
  const endMs = performance.now() + FIRST_WITHIN_MS;
  for (;;) {
    const { refused } = await validators.ask(chain, 1n, 'proposal');
    if (refused === null) return;
    if (performance.now() > endMs) throw new Error(`chain ${chain} is not signed for: ${refused}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function counted(
  turn: Turn,
  chains: number,
  seconds: number,
  from: bigint,
): Promise<Measured> {
  const started = performance.now();
  const { taken } = await askAll(turn, chains, seconds, from);
  const tookSeconds = (performance.now() - started) / 1000;
  const signed = await turn.validators.verify();
  const row = measured(chains === 1 ? '1 chain' : `${chains} chains`, taken);
  return { ...row, figures: { perSecond: rounded(signed / tookSeconds), ...row.figures } };
}

/** All chains, each from the same height on, until the time is over. @returns the height to go on from */
async function askAll(
  { validators }: Turn,
  chains: number,
  seconds: number,
  from: bigint,
): Promise<{ readonly taken: readonly Taken[]; readonly next: bigint }> {
  const endMs = performance.now() + seconds * 1000;
  const taken: Taken[] = [];
  let next = from;
  const one = async (chain: number): Promise<void> => {
    for (let height = from; performance.now() < endMs; height += 1n) {
      taken.push(...(await validators.askInTurn(chain, height, 1)));
      if (height >= next) next = height + 1n;
    }
  };
  await Promise.all(Array.from({ length: chains }, (_, chain) => one(chain)));
  return { taken, next };
}
