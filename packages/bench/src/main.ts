/**
 * `npm run bench -- <suite>`: measures, and writes what was measured.
 *
 * Owns    the options, what is printed while it runs, and where reports go.
 * Never   judges, unless asked by --check.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Bench, CannotMeasure, type Suite } from './bench.js';
import { checkedGoals } from './goals.js';
import { commit } from './report/commit.js';
import { machine } from './report/machine.js';
import { page } from './report/markdown.js';
import { writePlots } from './report/plots.js';
import { distributionsOf, type Report, writeReport } from './report/report.js';
import { suites } from './suites/index.js';
import { type Found, findSystems } from './systems/index.js';
import { goSide } from './validator/go-side.js';
import { TypeScriptSide } from './validator/typescript-side.js';

interface Options {
  readonly peers?: string;
  readonly systems?: string;
  readonly rounds?: number;
  readonly scale: number;
  readonly validator: 'typescript' | 'go';
  readonly out: string;
  readonly keep?: true;
  readonly profile?: string;
  readonly check?: true;
}

const performanceDirectory = fileURLToPath(
  new URL('../../../../docs/performance', import.meta.url),
);
const exitCodes = { missed: 1, usage: 2 } as const;

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
};

const existingDirectory = (path: string): string => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new InvalidArgumentError('It is not a directory.');
};

const program = new Command('npm run bench --')
  .description(
    'Measures CometKMS beside other signers, all driven alike: one after the other, several rounds, every signature\n' +
      'verified. Writes JSON, a page and plots for each suite.',
  )
  .argument('[suites...]', `any of: ${suites.map(({ name }) => name).join(', ')}; or all`)
  .option(
    '--peers <dir>',
    'programs or sources of other signers (see docs/performance/peers.md)',
    existingDirectory,
  )
  .option('--systems <names>', 'only these (cmkms-3,tmkms)')
  .option('--rounds <n>', 'instead of the suite’s own number', positive)
  .option('--scale <x>', 'measure x times as much: 0.1 for a first look', positive, 1)
  .addOption(
    new Option('--validator <side>', 'who asks')
      .choices(['typescript', 'go'])
      .default('typescript'),
  )
  .option('--out <dir>', 'where reports go', performanceDirectory)
  .option('--keep', 'keep homes and logs')
  .option('--profile <dir>', 'CPU profiles of our own replicas, for Chrome’s developer tools')
  .option('--check', 'compare the reports in --out with the goals, after running what was named')
  .addHelpText(
    'after',
    `
Suites:
${suites.map(({ name, about }) => `  ${name.padEnd(11)} ${about}`).join('\n')}

Exit code: 0 measured (with --check: all goals met), 1 a goal was missed, or something failed, 2 wrong usage.

Examples:
  npm run bench -- latency
  npm run bench -- latency --scale 0.1 --rounds 2 --systems cmkms-1,cmkms-3 --out /tmp/look
  npm run bench -- all --peers ../peers
  npm run bench -- --check`,
  );

program.parse();
const options = program.opts<Options>();
const chosen = chosenSuites(program.args);
if (chosen.length === 0 && !options.check) program.help({ error: true });

try {
  if (chosen.length > 0) {
    const found = await foundSystems();
    const validatorSide =
      options.validator === 'go' ? await goSide(say) : () => new TypeScriptSide();
    for (const suite of chosen) await runSuite(suite, found, validatorSide);
  }
} catch (error) {
  if (error instanceof CannotMeasure) program.error(`error: ${error.message}`);
  throw error;
}
if (options.check) {
  const goals = checkedGoals(options.out);
  for (const { line } of goals) console.log(line);
  if (goals.some(({ met }) => !met)) process.exitCode = exitCodes.missed;
}

function chosenSuites(names: readonly string[]): readonly Suite[] {
  if (names.includes('all')) return suites;
  return names.map((name) => {
    const suite = suites.find((one) => one.name === name);
    if (suite !== undefined) return suite;
    const known = suites.map((one) => one.name).join(', ');
    return program.error(`error: there is no suite "${name}". Suites: ${known}.`, {
      exitCode: exitCodes.usage,
    });
  });
}

async function runSuite(
  suite: Suite,
  found: Found,
  validatorSide: Bench['validatorSide'],
): Promise<void> {
  const { systems, missing } = found;
  const bench: Bench = {
    systems,
    validatorSide,
    rounds: options.rounds ?? null,
    scale: options.scale,
    keep: options.keep === true,
    say,
  };
  const [before, source] = [machine(), commit()];
  const at = new Date();
  bench.say(`${suite.name}: ${suite.about}`);
  for (const line of missing) bench.say(`left out: ${line}`);
  const result = await suite.run(bench);
  const report: Report = {
    suite: suite.name,
    command: commandLine(),
    at: at.toISOString(),
    tookSeconds: Math.round((Date.now() - at.getTime()) / 1000),
    machine: before,
    commit: source,
    validator: result.validator ?? bench.validatorSide().title,
    settings: result.settings,
    systems: await Promise.all(
      result.systems.map(async ({ name, title, durability, version }) => {
        return { name, title, durability, version: await version() };
      }),
    ),
    leftOut: [...missing, ...result.leftOut],
    rows: result.rows.map(({ histogram: _, ...row }) => row),
    distributions: suite.plot === 'distribution' ? distributionsOf(result.rows) : [],
  };
  const path = writeReport(options.out, report);
  const plots = writePlots(options.out, suite, report);
  const pagePath = join(options.out, `${suite.name}.md`);
  const text = page(suite, report, plots);
  writeFileSync(pagePath, text);
  console.log(`\n${text.slice(text.indexOf('\n## ') + 1, text.lastIndexOf('Raw figures'))}`);
  console.log(`written: ${[path, pagePath].map((file) => relative('.', file)).join(', ')}`);
}

function say(line: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);
}

/** Only those of --systems where it is given, in its order. */
async function foundSystems(): Promise<Found> {
  const wanted = options.systems?.split(',') ?? null;
  const nodeArgs = options.profile === undefined ? [] : profiling(options.profile);
  const found = await findSystems(options.peers ?? null, { nodeArgs }, wanted, say);
  if (wanted === null) return found;
  const systems = wanted.map((name) => {
    const system = found.systems.find((one) => one.name === name);
    if (system !== undefined) return system;
    const missing = found.missing.find((line) => line.startsWith(`${name}: `));
    const known = found.systems.map((one) => one.name).join(', ');
    return program.error(`error: ${missing ?? `there is no system "${name}". Found: ${known}.`}`, {
      exitCode: exitCodes.usage,
    });
  });
  return { systems, missing: found.missing };
}

/** One sample every 0.2 ms: at Node's own 1 ms a signature would have three. */
function profiling(directory: string): readonly string[] {
  return ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=200'];
}

/** As a reader would type it: without what says where files lie. */
function commandLine(): string {
  const parts = [...program.args];
  if (options.peers !== undefined) parts.push('--peers DIR');
  for (const name of ['systems', 'rounds', 'scale', 'validator'] as const) {
    const set = program.getOptionValueSource(name) === 'cli';
    if (set) parts.push(`--${name} ${options[name]}`);
  }
  return `npm run bench -- ${parts.join(' ')}`;
}
