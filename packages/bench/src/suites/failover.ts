/**
 * How long a validator waits when the leader, the holder of its link, or both in one fail or are stopped.
 *
 * Owns    the course: arrange, ask, strike at a random moment, see it over, mend; and what becomes of it as a row.
 * Never   strikes a cluster that is not whole.
 */
import type { Bench, Suite, SuiteResult } from '../bench.js';
import { inRounds, type Measured, type Turn } from '../rounds.js';
import { histogram, median, rounded, summarize } from '../statistics.js';
import { cmkmsWith } from '../systems/cmkms.js';
import { arranged, settled } from '../systems/roles.js';
import type { System } from '../systems/system.js';
import { type Asked, BusyValidator } from '../validator/busy-validator.js';
import { type Case, cases, isCut, mend, oursOrNull, strike } from './faults.js';
import { type Interruption, interruption } from './interruption.js';

const ROUNDS = 1;
const STRIKES = 50;
const REPLICAS = 3;
/** Signatures before a strike: caches are warm again, and the cluster is at work. */
const SIGNED_BEFORE = 20;
/** Signatures that were asked for once the fault bites; none of them can have been under way before. */
const SIGNED_AFTER = 6;
/** More than a height takes, so that the fault falls anywhere in it. */
const RANDOM_PHASE_MS = 40;
/** A node itself gives up after 155 s; nothing that is measured here comes near. */
const OVER_WITHIN_MS = 60_000;
const STEADY_TRIES = 10;
const PROGRESS_EVERY = 10;

export const failover: Suite = {
  name: 'failover',
  about: 'how long a validator waits for its signature when a replica fails or is stopped',
  notes: [
    'One validator asks in turn without a pause all the time, and asks again like a node: up to 50 tries 100 ms',
    'apart, each with a read deadline of 5 s. Faults strike at a random moment. The time is the longest that it waited',
    'for a signature: from the fault (the signal, the cut) or, where the request came after it, from the request.',
    '`gap` is the longest pause between two signatures around the fault. *Leader*: the replica that leads, while',
    'another one holds the link to the validator. *Holder*: the one that holds the link and does not lead. *Both*: one',
    'that does both; for systems without the difference, whoever leads. *At rest*: no request is under way when the',
    'fault strikes, and the next one is made as soon as the process has ended, as on a real chain, where most of the',
    'time nothing is asked; a v0.38 node that reads the end of its connection within a request needs one try more.',
    '*Cut*: nothing passes any more between the leader and the other two, without a word or with a reset of their',
    'connections. *Hand-over*: what `cmkms cluster transfer` asks for, from whoever leads to another; the link stays.',
    '*SIGTERM*: a planned stop. `refused` counts typed errors, also while what was struck is mended: started again,',
    'continued, linked again, and leadership handed to where it is needed.',
  ].join('\n'),
  columns: [
    { figure: 'count', title: 'faults' },
    { figure: 'p50', title: 'p50' },
    { figure: 'p90', title: 'p90' },
    { figure: 'p99', title: 'p99' },
    { figure: 'max', title: 'max' },
    { figure: 'gap', title: 'gap p50' },
    { figure: 'gapMax', title: 'gap max' },
    { figure: 'tries', title: 'tries p50' },
    { figure: 'triesMax', title: 'tries max' },
    { figure: 'refused', title: 'refused' },
  ],
  compared: null,
  plot: 'distribution',
  run: runFailover,
};

async function runFailover(bench: Bench): Promise<SuiteResult> {
  const rounds = bench.rounds ?? ROUNDS;
  const strikes = Math.ceil(STRIKES * bench.scale);
  const systems = bench.systems.filter(({ replicas }) => replicas === REPLICAS);
  if (systems.length === 0) {
    throw new Error('failover needs a system of three replicas: --systems cmkms-3');
  }
  const rows = [];
  for (const one of cases) {
    const struck = systems.flatMap((system) => systemFor(one, system));
    rows.push(
      ...(await inRounds(bench, struck, { rounds, chains: 1 }, async (turn) => [
        await struckAgainAndAgain(bench, turn, one, strikes),
      ])),
    );
  }
  return {
    settings: { rounds, faultsOfEachCase: strikes },
    systems,
    leftOut: bench.systems
      .filter((system) => !systems.includes(system))
      .map(({ title }) => `${title}: failover is measured with three replicas`),
    rows,
  };
}

/** The system as this case needs it, or none. */
function systemFor(one: Case, system: System): readonly System[] {
  if (system.name !== 'cmkms-3') return one.ofOthers ? [system] : [];
  return [isCut(one) ? cmkmsWith(REPLICAS, { wired: true }) : system];
}

async function struckAgainAndAgain(
  bench: Bench,
  turn: Turn,
  one: Case,
  strikes: number,
): Promise<Measured> {
  const validator = new BusyValidator(turn.validators);
  const found: Interruption[] = [];
  let refused = 0;
  validator.start();
  for (let i = 1; i <= strikes; i += 1) {
    const what = `${turn.system.name}, ${one.name}, fault ${i} of ${strikes}`;
    const struck = await named(what, struckOnce(turn, one, validator));
    found.push(struck.found);
    refused += struck.refused;
    await turn.validators.verify();
    if (i % PROGRESS_EVERY === 0) bench.say(what);
  }
  await validator.stop();
  await turn.validators.verify();
  return row(one.name, found, refused + refusedOf(validator.take()));
}

/** @returns also how many requests were refused since the fault before this one, while that was mended */
async function struckOnce(
  turn: Turn,
  one: Case,
  validator: BusyValidator,
): Promise<{ readonly found: Interruption; readonly refused: number }> {
  const { running } = turn;
  const victim = await steady(turn, one, validator);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * RANDOM_PHASE_MS));
  const release = one.atRest ? await validator.hold() : null;
  const struckAtMs = performance.now();
  const over = async (): Promise<void> => {
    await strike(one.fault, running, victim);
    release?.();
    await validator.signs(SIGNED_AFTER);
  };
  await within(OVER_WITHIN_MS, `no signatures after ${victim} was struck`, over());
  const asked = validator.take();
  await mend(one.fault, running, victim);
  return { found: interruption(asked, struckAtMs), refused: refusedOf(asked) };
}

const refusedOf = (asked: readonly Asked[]): number =>
  asked.filter(({ refused }) => refused !== null).length;

/** The cluster is whole and at work, and the roles are as the case wants them. @returns who is to be struck */
async function steady({ running }: Turn, one: Case, validator: BusyValidator): Promise<string> {
  const fleet = oursOrNull(running)?.fleet;
  for (let i = 0; i < STEADY_TRIES; i += 1) {
    const before = fleet === undefined ? null : await arranged(fleet, one.arrangement);
    const signed = validator.signs(SIGNED_BEFORE);
    await within(OVER_WITHIN_MS, 'no signatures though nothing was struck', signed);
    if (fleet === undefined) return await running.leader();
    // On a machine that stalls, leadership or the link may have moved once more.
    const now = await settled(fleet);
    if (before?.leader === now.leader && before.holder === now.holder) return now[one.victim];
  }
  const moved = `leadership or the link moved by itself ${STEADY_TRIES} times`;
  throw new Error(`${moved}: is this machine overloaded?`);
}

function row(name: string, found: readonly Interruption[], refused: number): Measured {
  const waits = found.map(({ waitMs }) => waitMs);
  const gaps = found.map(({ longestGapMs }) => longestGapMs);
  const tries = found.map((one) => one.tries);
  const { count, p50, p90, p99, max } = summarize(waits);
  const figures = {
    ...{ count, p50, p90, p99, max, gap: median(gaps), gapMax: Math.max(...gaps) },
    ...{ tries: median(tries), triesMax: Math.max(...tries) },
    refused,
  };
  const short = Object.entries(figures).map(([figure, value]) => [figure, rounded(value)] as const);
  return { case: name, figures: Object.fromEntries(short), histogram: histogram(waits) };
}

/** An error says in which case it came, and where to look. */
async function named<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${what}: ${why} (--keep keeps homes and logs)`, { cause });
  }
}

async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
