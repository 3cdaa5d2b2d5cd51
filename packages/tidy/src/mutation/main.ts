/**
 * `npm run mutate`: changes one token after the other in the compiled code of what the promise rests on, and
 * wants a test to fail each time.
 *
 * Owns    how Stryker is run, and what is printed.
 * Never   touches the sources, or the compiled code itself: Stryker works on a copy, below dist/.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogLevel, MutantResult } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { root } from '../tree.js';
import { explained } from './explained.js';
import { type Target, targets } from './targets.js';
import { type Compiled, judge, type Outcome } from './verdict.js';

const here = (module: string): string => fileURLToPath(import.meta.resolve(module));

/** Stryker takes the working directory for the project: its copy then holds one package and no more. */
async function mutate({ room, sources, tests }: Target): Promise<readonly MutantResult[]> {
  process.chdir(join(root, 'packages', room));
  return new Stryker({
    mutate: sources.map((name) => `dist/src/${name}.js`),
    testRunner: 'tap',
    tap: {
      testFiles: tests.map((name) => `dist/test/${name}.test.js`),
      nodeArgs: ['--test-reporter=tap', '--import', new URL('./preload.js', import.meta.url).href],
    },
    plugins: [here('@stryker-mutator/tap-runner'), here('./sentences.js')],
    ignorers: ['sentences'],
    coverageAnalysis: 'perTest',
    // It is nobody's foreground: one at a time, and a mutant that loops costs some seconds.
    concurrency: 1,
    timeoutMS: 10_000,
    reporters: ['progress-append-only'],
    logLevel: 'warn' as LogLevel,
    allowConsoleColors: false,
    tempDirName: 'dist/mutants',
    cleanTempDir: 'always',
    // What is compiled has no types; and Stryker would ask the compiler's old API for the rest.
    disableTypeChecks: false,
    tsconfigFile: 'none',
  }).runMutationTest();
}

function readCompiled(fileName: string): Compiled {
  const source = fileName.replace('/dist/src/', '/src/').replace(/\.js$/, '.ts');
  return {
    file: source.slice(root.length),
    source: readFileSync(source, 'utf8'),
    code: readFileSync(fileName, 'utf8'),
    map: JSON.parse(readFileSync(`${fileName}.map`, 'utf8')),
  };
}

const columns = [
  'target',
  'mutants',
  'killed',
  'timeout',
  'survived',
  'of these explained',
  'score',
];

function rowOf(name: string, { mutants, killed, timedOut, explained, unexplained }: Outcome) {
  const survived = explained + unexplained.length;
  const score = `${(((killed + timedOut) / mutants) * 100).toFixed(1)} %`;
  return [name, mutants, killed, timedOut, survived, explained, score].map(String);
}

function printFaults({ unexplained, stale }: Outcome): void {
  for (const { file, lineNumber, line, from, to, unreached } of unexplained) {
    console.log(`${file}:${lineNumber}: ${unreached ? 'reached by no test' : 'survived'}`);
    console.log(`  line: ${line}\n  from: ${from}\n  to:   ${to}`);
  }
  for (const { file, line, from, to } of stale) {
    console.log(`${file}: explained, but one of these does not survive: take it out`);
    console.log(`  line: ${line}\n  from: ${from}\n  to:   ${to.join('  |  ')}`);
  }
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(targets, name));
if (unknown.length > 0) {
  console.error(
    `error: no target "${unknown.join(' ')}"; there are: ${Object.keys(targets).join(', ')}`,
  );
  process.exit(2);
}
const rows: (readonly string[])[] = [];
let failed = false;
for (const [name, target] of Object.entries(targets)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n${name}: ${target.sources.join(', ')} of ${target.room}`);
  const outcome = judge(await mutate(target), readCompiled, explained);
  printFaults(outcome);
  rows.push(rowOf(name, outcome));
  failed ||= outcome.unexplained.length + outcome.stale.length > 0;
}
console.log(`\n| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}`);
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
if (failed) {
  console.error(
    '\nerror: a test that states the rule, or a reason in packages/tidy/src/mutation/explained.ts',
  );
  process.exitCode = 1;
}
