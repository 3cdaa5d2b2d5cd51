/**
 * Systems in turn: A B C, A B C, so that whatever the machine does beside, it does to all of them.
 *
 * Owns    the order, a fresh directory for each turn, and that everything of a turn has ended before the next.
 * Never   runs two systems at once.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeNodeHome } from '@cometkms/interop';
import type { Bench } from './bench.js';
import type { MeasuredRow } from './report/report.js';
import { histogram, rounded, summarize } from './statistics.js';
import type { RunningSystem, System } from './systems/system.js';
import type { ValidatorSide } from './validator/validator-side.js';

/** One system that runs and signs, with its validators. */
export interface Turn {
  readonly system: System;
  readonly running: RunningSystem;
  readonly validators: ValidatorSide;
  /** From 1 on. */
  readonly round: number;
  /** For whatever a suite writes; goes away after the turn. */
  readonly directory: string;
}

/** What a turn measured, in each of its cases. */
export type Measured = Omit<MeasuredRow, 'system' | 'round'>;

export interface TurnOptions {
  readonly rounds: number;
  readonly chains: number;
  /** Measured without any system, before the first turn of each round. */
  readonly without?: () => Promise<MeasuredWithout>;
}

export interface MeasuredWithout {
  readonly system: string;
  readonly rows: readonly Measured[];
}

/** @returns the rows of all rounds, in the order in which they were measured */
export function inRounds(
  bench: Bench,
  systems: readonly System[],
  { rounds, chains, without }: TurnOptions,
  measure: (turn: Turn) => Promise<readonly Measured[]>,
): Promise<readonly MeasuredRow[]> {
  return inTurns(
    bench,
    systems,
    rounds,
    (system, round, directory) => withValidators(bench, system, round, directory, chains, measure),
    without,
  );
}

/** @param turn starts all that it needs, and leaves nothing running; the directory is its own */
export async function inTurns(
  bench: Bench,
  systems: readonly System[],
  rounds: number,
  turn: (system: System, round: number, directory: string) => Promise<readonly Measured[]>,
  without?: TurnOptions['without'],
): Promise<readonly MeasuredRow[]> {
  const rows: MeasuredRow[] = [];
  const add = (system: string, round: number, measured: readonly Measured[]): void => {
    for (const row of measured) {
      rows.push({ system, round, ...row });
      bench.say(`round ${round}/${rounds}  ${system.padEnd(12)} ${inWords(row)}`);
    }
  };
  for (let round = 1; round <= rounds; round += 1) {
    const first = await without?.();
    if (first !== undefined) add(first.system, round, first.rows);
    for (const system of systems) {
      const directory = mkdtempSync(join(tmpdir(), 'cmkms-bench-'));
      // Of a turn that failed everything stays: its logs say why.
      const measured = await turn(system, round, directory).catch((error: Error) => {
        bench.say(`${system.name} failed; its homes and logs stay in ${directory}`);
        throw error;
      });
      if (!bench.keep) rmSync(directory, { recursive: true, force: true });
      add(system.name, round, measured);
    }
  }
  return rows;
}

/** The row of one case. @param times milliseconds, at least one */
export function measuredTimes(name: string, times: readonly number[]): Measured {
  const summary = Object.entries(summarize(times)).map(([key, value]) => [key, rounded(value)]);
  return { case: name, figures: Object.fromEntries(summary), histogram: histogram(times) };
}

async function withValidators(
  bench: Bench,
  system: System,
  round: number,
  directory: string,
  chains: number,
  measure: (turn: Turn) => Promise<readonly Measured[]>,
): Promise<readonly Measured[]> {
  const validators = bench.validatorSide();
  let running: RunningSystem | null = null;
  try {
    const chainIds = Array.from({ length: chains }, (_, i) => `bench-${i + 1}`);
    const keyHome = join(directory, 'key');
    mkdirSync(keyHome);
    makeNodeHome(keyHome);
    const addresses = await validators.listen(chainIds);
    running = await system.start(
      directory,
      addresses.map((validator, i) => ({ chainId: chainIds[i] ?? '', keyHome, validator })),
    );
    await Promise.race([validators.ready(), endedEarly(running)]);
    return await measure({ system, running, validators, round, directory });
  } finally {
    await running?.stop();
    await validators.stop();
  }
}

/** @throws as soon as a process ends that should wait for its validator, with what it wrote last */
export function endedEarly({ replicas }: RunningSystem): Promise<never> {
  return Promise.race(
    replicas.map(async ({ name, process, logPath }) => {
      const code = await process.exited;
      const said = readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
      throw new Error(`${name} ended with ${code} before it signed:\n${said}`);
    }),
  );
}

function inWords({ case: name, figures }: Measured): string {
  const words = Object.entries(figures).map(([figure, value]) => `${figure} ${shown(value)}`);
  return `${name}: ${words.join('  ')}`;
}

/** A whole number as it is; else three digits that count, and no fraction where there are more before the point. */
export function shown(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 3));
}
