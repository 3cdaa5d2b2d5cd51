/**
 * Where the time of one signature goes, by the histograms that every replica keeps all the time, and whose processor
 * time it is.
 *
 * Owns    reading them before and after, and the order of the stages on a signature's way.
 * Never   measures a stage by itself: what an operator's Prometheus sees is what stands here.
 */
import { availableParallelism } from 'node:os';
import type { Bench, Suite, SuiteResult } from '../bench.js';
import { processorTicks, usageOf } from '../footprint/usage.js';
import { inRounds, type Measured, type Turn } from '../rounds.js';
import { rounded, summarize } from '../statistics.js';
import { RunningCmkms } from '../systems/cmkms.js';
import { WARM_UP_HEIGHTS, warm } from './latency.js';

const ROUNDS = 3;
const HEIGHTS = 1000;

/** On the way of a signature. What stands in `beside` starts together, once the request has the turn. */
const stages = {
  decode: 'its bytes opened, read, checked; its sign bytes written',
  queue: 'until it has the turn',
  propose: 'given to the log and to the links of the others',
  own_sync: 'on the leader’s disk',
  follower_sync: 'on the first follower’s disk, there and back',
  commit: 'the verdict is known: committed and applied',
  watermark: 'the second gate’s mark is on the leader’s disk',
  sign: 'signed, beside the commit',
  verify: 'verified',
  total: 'from the request at the gate to the signature',
  write: 'sealed, and handed to the kernel',
  validator: 'as the validator sees it, there and back',
} as const;

/** Milliseconds for one signature, but for the last. */
const processorTime = {
  leader: 'the leader',
  follower: 'each follower',
  asker: 'the benchmark, with its validator',
  used: 'all, on this machine',
  idle: 'idle, %',
} as const;

export const stagesSuite: Suite = {
  name: 'stages',
  about: 'where the time of one signature goes, by the metrics of the replica that leads',
  notes: [
    'Means in milliseconds, since means add up. `own_sync` to `watermark` and `sign` begin side by side when the',
    'request has its turn; `own_sync`, `follower_sync` and `commit` are counted from there.',
    '',
    '| stage | |',
    '|---|---|',
    ...Object.entries(stages).map(([stage, what]) => `| ${stage} | ${what} |`),
    '',
    '*Processor time* is that of whole processes while they were asked, in milliseconds for one signature: all that',
    'they do is in it, in all their threads. *All* is what was used of the machine by everything, and *idle* how much of',
    'its processors nobody used, waiting for the disk included.',
  ].join('\n'),
  columns: [
    ...Object.keys(stages).map((figure) => ({ figure, title: figure.replace('_', ' ') })),
    ...Object.entries(processorTime).map(([figure, title]) => ({ figure, title })),
  ],
  compared: null,
  plot: 'waterfall',
  run: runStages,
};

async function runStages(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const heights = Math.ceil(HEIGHTS * bench.scale);
  const warmUp = Math.ceil(WARM_UP_HEIGHTS * bench.scale);
  const ours = bench.systems.filter(({ name }) => name.startsWith('cmkms-'));
  const rows = await inRounds(bench, ours, { rounds, chains: 1 }, async (turn) => {
    return await traced(turn, await warm(turn, 1n, warmUp), heights);
  });
  return {
    settings: { rounds, warmUp, heights },
    systems: ours,
    leftOut: bench.systems
      .filter((system) => !ours.includes(system))
      .map(({ title }) => `${title}: has no such metrics`),
    rows,
  };
}

async function traced(
  { running, validators }: Turn,
  from: bigint,
  heights: number,
): Promise<readonly Measured[]> {
  if (!(running instanceof RunningCmkms)) throw new Error('only our own replicas have stages');
  const leader = running.fleet.replica(await running.leader());
  const read = async (): Promise<Totals> => {
    const { httpHost, httpPort } = leader.place;
    return totals(await (await fetch(`http://${httpHost}:${httpPort}/metrics`)).text());
  };
  const before = await read();
  const since = processorsOf(running);
  const taken = await validators.askInTurn(0, from, heights);
  const until = processorsOf(running);
  const after = await read();
  await validators.verify();
  const figures: Record<string, number> = {};
  for (const stage of Object.keys(stages)) {
    const [sum, count] = [0, 1].map(
      (i) => (after.get(stage)?.[i] ?? 0) - (before.get(stage)?.[i] ?? 0),
    );
    if (sum !== undefined && count !== undefined && count > 0) {
      figures[stage] = rounded((1000 * sum) / count);
    }
  }
  const seen = taken.map(({ tookMs }) => tookMs);
  figures['validator'] = rounded(seen.reduce((sum, ms) => sum + ms, 0) / seen.length);
  figures['validatorP50'] = rounded(summarize(seen).p50);
  return [
    { case: 'votes', figures },
    { case: 'processor time', figures: processorFigures(since, until, leader.name, seen.length) },
  ];
}

interface Processors {
  /** Milliseconds since its start, by replica. */
  readonly replicas: ReadonlyMap<string, number>;
  /** Of this process, in which the validator runs. */
  readonly askerMs: number;
  /** Of the machine. */
  readonly idleTicks: number;
  readonly allTicks: number;
  readonly atMs: number;
}

function processorsOf({ replicas }: RunningCmkms): Processors {
  const { user, system } = process.cpuUsage();
  const { idle, all } = processorTicks();
  return {
    replicas: new Map(
      replicas.map(({ name, process: { pid } }) => [name, 1000 * usageOf(pid).cpuSeconds]),
    ),
    askerMs: (user + system) / 1000,
    ...{ idleTicks: idle, allTicks: all, atMs: performance.now() },
  };
}

function processorFigures(
  since: Processors,
  until: Processors,
  leader: string,
  signatures: number,
): Readonly<Record<string, number>> {
  const spent = [...until.replicas].map(([name, ms]) => {
    return { name, ms: (ms - (since.replicas.get(name) ?? 0)) / signatures };
  });
  const followers = spent.filter(({ name }) => name !== leader).map(({ ms }) => ms);
  const idle = (until.idleTicks - since.idleTicks) / (until.allTicks - since.allTicks);
  const elapsedMs = (until.atMs - since.atMs) * availableParallelism();
  const figures: Record<string, number> = {
    leader: spent.find(({ name }) => name === leader)?.ms ?? 0,
    asker: (until.askerMs - since.askerMs) / signatures,
    used: (elapsedMs * (1 - idle)) / signatures,
    idle: 100 * idle,
  };
  if (followers.length > 0) {
    figures['follower'] = followers.reduce((sum, ms) => sum + ms, 0) / followers.length;
  }
  return Object.fromEntries(Object.entries(figures).map(([name, ms]) => [name, rounded(ms)]));
}

type Totals = ReadonlyMap<string, readonly [sumSeconds: number, count: number]>;

const sample =
  /^cmkms_(?:sign|raft_commit)_duration_seconds_(sum|count)\{[^}]*stage="([a-z_]+)"[^}]*\} (\S+)$/gm;

/** Sum and count by stage, of all chains and types together. */
export function totals(text: string): Totals {
  const found = new Map<string, [number, number]>();
  for (const [, which, stage = '', value] of text.matchAll(sample)) {
    const total = found.get(stage) ?? [0, 0];
    total[which === 'sum' ? 0 : 1] += Number(value);
    found.set(stage, total);
  }
  return found;
}

/** When each stage begins and ends, for a picture: what begins together is drawn below each other. */
export function waterfall(
  figures: Readonly<Record<string, number>>,
): readonly { readonly stage: string; readonly from: number; readonly ms: number }[] {
  const of = (stage: string): number => figures[stage] ?? 0;
  const turn = of('decode') + of('queue');
  const signed = turn + of('sign');
  const begins: Readonly<Record<string, number>> = {
    decode: 0,
    queue: of('decode'),
    verify: signed,
    total: of('decode'),
    write: of('decode') + of('total'),
    validator: 0,
  };
  return Object.keys(stages)
    .filter((stage) => figures[stage] !== undefined)
    .map((stage) => ({ stage, from: begins[stage] ?? turn, ms: of(stage) }));
}
