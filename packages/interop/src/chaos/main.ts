/**
 * The chaos suite: real replicas, real faults, validators that ask throughout.
 *
 * Owns    the command line, the exit code, and that nothing is left behind.
 * Never   runs with less than it was asked for without a word; in CI never at all.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { buildNetwork, launcherInto, VALIDATORS } from './network.js';
import { type ChaosOptions, play } from './play.js';
import { openScope, removeScope, scopeDirectory } from './scope.js';
import { survey, tools } from './tools.js';

/** Names the scope to the process that runs inside of it. */
const SCOPE_VARIABLE = 'CMKMS_CHAOS_SCOPE';
const EXIT = { ok: 0, violated: 1, environment: 4, ended: 143 } as const;

function wholeNumber(lowest: number, highest: number) {
  return (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`a whole number from ${lowest} to ${highest}`);
  };
}

function threeOrFive(text: string): number {
  if (text === '3' || text === '5') return Number(text);
  throw new InvalidArgumentError('3 or 5');
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 10_000) return value;
  throw new InvalidArgumentError('minutes, more than 0');
}

/** Outside: makes the scope, runs the suite inside of it, and removes it however that ends. */
async function keep(options: ChaosOptions): Promise<number> {
  const { found, missing } = survey();
  for (const tool of missing) console.log(`left out: what needs ${tools[tool]}`);
  if (missing.length > 0 && process.env['CI'] === 'true') {
    console.error('error TOOLS_MISSING: in CI nothing may be left out, for nobody would notice.');
    return EXIT.environment;
  }
  const scope = openScope();
  let keepAs: string | undefined;
  process.once('exit', () => removeScope(scope, keepAs));
  if (found.has('namespaces')) buildNetwork(scope);
  const code = await runInside(scope, found.has('namespaces'), options.seed);
  if (code === EXIT.violated || options.keep) {
    keepAs = join(tmpdir(), `cmkms-chaos-kept-${options.seed}-${process.pid}`);
    console.log(`kept: ${keepAs}`);
  }
  return code;
}

/** The same program once more, in the validators' network where there is one. */
function runInside(scope: string, isolated: boolean, seed: number): Promise<number> {
  const launcher = isolated ? launcherInto(scope, VALIDATORS) : [];
  const [command = process.execPath, ...rest] = [...launcher, process.execPath];
  const program = fileURLToPath(import.meta.url);
  const args = [...rest, program, ...process.argv.slice(2), '--seed', `${seed}`];
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [SCOPE_VARIABLE]: scope },
  });
  // It ends its replicas first; then this process removes the rest.
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => child.kill('SIGTERM'));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? EXIT.ended));
  });
}

const program = new Command('npm run chaos --')
  .description('real replicas under faults; every released signature is re-read from outside')
  .option('--minutes <n>', 'how long faults are played, over all clusters', positive, 5)
  .option('--seed <n>', 'the order of the faults', wholeNumber(0, 2 ** 32 - 1), randomInt(2 ** 32))
  .option('--replicas <n>', 'one cluster of 3 or 5; by default one after the other', threeOrFive)
  .option('--only <text>', 'faults with this in their name')
  .option('--json <file>', 'the report goes there as well')
  .option('--keep', 'keep homes, logs and records', false)
  .addHelpText(
    'after',
    '\nExit codes: 0 all held, 1 a violation, 4 a tool is missing where nothing may be left out.',
  );
const options = program.parse().opts<ChaosOptions>();
const scope = process.env[SCOPE_VARIABLE];
if (scope === undefined) {
  process.exitCode = await keep(options);
} else {
  // Whoever made the scope is to remove it: it must not be gone first.
  process.once('disconnect', () => process.exit(EXIT.violated));
  const report = await play(scope, scopeDirectory(scope), options, survey());
  console.log(report.text);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(report.json, null, 2)}\n`);
  }
  process.exit(report.held ? EXIT.ok : EXIT.violated);
}
