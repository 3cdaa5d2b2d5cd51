/**
 * `npm run simulate`: worlds from seeds, until one breaks a promise or the time is over.
 *
 * Owns    the options, the processes that run seeds side by side, and what is printed.
 * Never   prints a seed that another machine could not repeat.
 */
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { type PlantedOptions, runPlanted } from './planted/run-planted.js';
import { printFailure, printSummary, Summary } from './report.js';
import { runSeed, type SeedResult } from './run-seed.js';
import { describeShrunk, shrink } from './shrink.js';
import { firstLongSeed } from './swarm.js';
import { World } from './world.js';

interface Options {
  readonly seed?: number;
  readonly seeds?: number;
  readonly long?: true;
  readonly minutes?: number;
  readonly planted?: string | true;
  readonly trace?: true;
  readonly shrink?: true;
  readonly only?: string;
  readonly jobs: number;
  readonly json?: true;
}

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`"${text}" is no whole number from 0 on`);
  return value;
};

const program = new Command('simulate')
  .description(
    'Runs whole clusters in one process, in simulated time: the program itself, on simulated clocks, networks and disks\n' +
      'that fail as real ones do, while an oracle watches every promise. The same seed gives the same history.',
  )
  .option('--seed <number>', 'the first seed (default: 1); alone, just this one', wholeNumber)
  .option('--seeds <number>', 'how many seeds, one after the other (default: 100)', wholeNumber)
  .option('--long', 'worlds of hours instead of half a minute: seeds from 1000000 on')
  .option('--minutes <number>', 'go on with further seeds for this long', Number)
  .option(
    '--planted [names]',
    'run the planted bugs instead, all or those named (a,b): each must be found',
  )
  .option(
    '--remembered',
    'with --planted: first the seed of planted-seeds.json, which found the bug last time',
  )
  .option('--remember', 'with --planted: write the seeds that found them into that file')
  .option('--trace', 'print all that happens; for one seed')
  .option(
    '--shrink',
    'leave out faults of a failing seed as long as it fails, and write what is left',
  )
  .option('--only <numbers>', 'carry out only these faults of the seed’s plan (1,7,8 or none)')
  .addOption(
    new Option('--jobs <number>', 'processes side by side; 0: this one')
      .argParser(wholeNumber)
      .default(availableParallelism()),
  )
  .option('--json', 'results as JSON lines')
  .addHelpText(
    'after',
    `
Exit code: 0 nothing was broken (with --planted: every bug was found), 1 otherwise.

Examples:
  npm run simulate -- --seeds 200
  npm run simulate -- --long --seeds 20
  npm run simulate -- --seed 4711 --trace
  npm run simulate -- --seed 4711 --shrink
  npm run simulate -- --planted
  npm run simulate -- --planted --remembered`,
  );

/** Seeds in processes of their own, each handed the next one when it is done. */
async function runMany(options: Options, summary: Summary): Promise<SeedResult | null> {
  const first = options.seed ?? (options.long ? firstLongSeed : 1);
  const count = options.minutes === undefined ? (options.seeds ?? 100) : Number.POSITIVE_INFINITY;
  const until = performance.now() + (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  let next = first;
  let failed: SeedResult | null = null;
  const worker = async (): Promise<void> => {
    const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)));
    try {
      while (failed === null && next < first + count && performance.now() < until) {
        const seed = next;
        next += 1;
        const result = await new Promise<SeedResult>((resolve, reject) => {
          child.once('message', (message) => resolve(message as SeedResult));
          child.once('exit', (code) =>
            reject(new Error(`the process of seed ${seed} ended: ${code}`)),
          );
          child.send(seed);
        });
        child.removeAllListeners('exit');
        summary.add(result);
        if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
        if (result.failure !== null) failed ??= result;
      }
    } finally {
      child.removeAllListeners('exit');
      child.kill();
    }
  };
  if (options.jobs === 0) return await runHere(options, summary, first, count, until);
  await Promise.all(Array.from({ length: Math.min(options.jobs, count) }, worker));
  return failed;
}

/** In this process, where a bug may be planted. */
async function runHere(
  options: Options,
  summary: Summary,
  first: number,
  count: number,
  until: number,
): Promise<SeedResult | null> {
  for (let seed = first; seed < first + count && performance.now() < until; seed += 1) {
    const result = await runSeed({ seed });
    summary.add(result);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (result.failure !== null) return result;
  }
  return null;
}

async function runOne(options: Options, seed: number): Promise<SeedResult> {
  const { only } = options;
  const kept = only === undefined || only === 'none' ? [] : only.split(',').map(wholeNumber);
  const without =
    only === undefined
      ? new Set<number>()
      : new Set(
          new World({ seed }).plan.faults
            .map(({ number }) => number)
            .filter((n) => !kept.includes(n)),
        );
  const echo = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  return await runSeed({ seed, without, ...(options.trace ? { echo } : {}) });
}

async function shrinkAndWrite(failed: SeedResult): Promise<string> {
  if (failed.failure === null) return '';
  const shrunk = await shrink(failed.seed, failed.failure, (kept, runs) => {
    process.stderr.write(`shrinking: ${kept} faults left after ${runs} runs\n`);
  });
  const directory = fileURLToPath(new URL('../../scenarios/found/', import.meta.url));
  mkdirSync(directory, { recursive: true });
  const file = `${directory}${failed.seed}.txt`;
  writeFileSync(file, describeShrunk(failed.seed, shrunk));
  return `${shrunk.kept.length} of ${shrunk.of} faults kept: ${file}`;
}

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  if (options.planted !== undefined) return await runPlanted(options as PlantedOptions);
  const summary = new Summary();
  const one =
    options.seed !== undefined && options.seeds === undefined && options.minutes === undefined;
  const failed = one ? await runOne(options, options.seed ?? 1) : await runMany(options, summary);
  if (one && failed !== null) summary.add(failed);
  if (failed !== null && failed.failure !== null) {
    const shrunk = options.shrink ? await shrinkAndWrite(failed) : null;
    printFailure(failed, shrunk);
    return 1;
  }
  printSummary(summary);
  return 0;
}

process.exitCode = await main();
