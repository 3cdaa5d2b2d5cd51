/**
 * Quint's own simulator, run as a program.
 *
 * Owns    where the specification lies, how one run is asked for, and what its answer means.
 * Never   uses the network: the TypeScript backend is part of the package; the default one would be downloaded.
 * Rule    quint.sh, `quint run`.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The directory of signing.qnt and bounded.qnt, seen from dist/src/model. */
export const modelDirectory = fileURLToPath(new URL('../../../model/', import.meta.url));

const program = createRequire(import.meta.url).resolve('@informalsystems/quint/dist/src/cli.js');

export interface Asked {
  /** The file with the main module. */
  readonly file: string;
  readonly step: string;
  readonly invariants: readonly string[];
  /** Names of values; the answer says in how many samples each was true at least once. */
  readonly witnesses: readonly string[];
  readonly samples: number;
  readonly steps: number;
  /** Below 2^32: the same seed draws the same samples. */
  readonly seed: number;
}

export interface Simulated {
  readonly kind: 'holds' | 'violated';
  readonly seenIn: ReadonlyMap<string, number>;
  readonly ms: number;
  /** In Quint's words, with the states that lead to a violation. */
  readonly report: string;
}

/** @throws Error the specification does not compile, or a step of it failed to evaluate */
export async function simulate(asked: Asked): Promise<Simulated> {
  const { file, step, invariants, witnesses, samples, steps, seed } = asked;
  const started = Date.now();
  const report = await output([
    ...['run', file, '--backend', 'typescript', '--step', step, '--seed', `0x${seed.toString(16)}`],
    ...['--max-samples', String(samples), '--max-steps', String(steps)],
    ...['--invariants', ...invariants],
    ...(witnesses.length === 0 ? [] : ['--witnesses', ...witnesses]),
  ]);
  const kind = report.includes('[ok]') ? 'holds' : 'violated';
  if (kind === 'violated' && !report.includes('[violation]')) throw new Error(report);
  const seenIn = new Map(
    [...report.matchAll(/^(\S+) was witnessed in (\d+) trace/gm)].map(([, name, count]) => [
      name ?? '',
      Number(count),
    ]),
  );
  return { kind, seenIn, ms: Date.now() - started, report };
}

function output(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Each draw of bounded.qnt leads to a step; trying all other draws after one that does not takes minutes.
      env: { ...process.env, QUINT_RETRY_NONDET_SMALLER_THAN: '1', NO_COLOR: '1' },
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}
