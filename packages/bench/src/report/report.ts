/**
 * What one run of one suite found: the file that tables, plots and the check of the goals are made from.
 *
 * Owns    its shape, writing and reading it.
 * Never   holds what was not measured in that run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Histogram, merged } from '../statistics.js';
import type { Machine } from './machine.js';

export interface SystemLine {
  readonly name: string;
  readonly title: string;
  readonly durability: string;
  readonly version: string;
}

/** One system in one case in one round. */
export interface Row {
  readonly system: string;
  readonly case: string;
  /** From 1 on. Ratios are taken between rows of one round. */
  readonly round: number;
  /** By name; the unit is the name's last part where it is not milliseconds. */
  readonly figures: Readonly<Record<string, number>>;
}

/** A row with all that was measured for it, before it is reported. */
export interface MeasuredRow extends Row {
  readonly histogram?: Histogram;
}

/** Of one system in one case, over all rounds. */
export interface Distribution {
  readonly system: string;
  readonly case: string;
  readonly histogram: Histogram;
}

export interface Report {
  readonly suite: string;
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly tookSeconds: number;
  readonly machine: Machine;
  /** The source that was measured. */
  readonly commit: string;
  readonly validator: string;
  /** How much was measured: warm-up, heights, rounds. */
  readonly settings: Readonly<Record<string, number | string>>;
  readonly systems: readonly SystemLine[];
  /** Named, with the reason: a peer that is not there, a case that was left out. */
  readonly leftOut: readonly string[];
  readonly rows: readonly Row[];
  /** Where the suite draws them. */
  readonly distributions: readonly Distribution[];
}

/** Of all rounds together; none of what was measured without a histogram. */
export function distributionsOf(rows: readonly MeasuredRow[]): readonly Distribution[] {
  const cases = [...new Set(rows.map((row) => row.case))];
  const systems = [...new Set(rows.map((row) => row.system))];
  return cases
    .flatMap((name) => systems.map((system) => ({ system, case: name })))
    .map((of) => {
      const own = rows.filter((row) => row.system === of.system && row.case === of.case);
      return { ...of, histogram: merged(own.flatMap((row) => row.histogram ?? [])) };
    })
    .filter(({ histogram }) => histogram.length > 0);
}

export function writeReport(directory: string, report: Report): string {
  mkdirSync(directory, { recursive: true });
  const path = pathOf(directory, report.suite);
  const { rows, distributions, ...head } = report;
  const fields = JSON.stringify(head, null, 2).replace(/\n}$/, '');
  const lists = Object.entries({ rows, distributions }).map(([name, list]) => {
    // One on a line: what changed between two runs can be read in a difference.
    const lines = list.map((one) => `\n    ${JSON.stringify(one)}`).join(',');
    return `  "${name}": [${lines}${list.length === 0 ? '' : '\n  '}]`;
  });
  writeFileSync(path, `${[fields, ...lists].join(',\n')}\n}\n`);
  return path;
}

/** Null where the suite was never run. */
export function readReport(directory: string, suite: string): Report | null {
  const path = pathOf(directory, suite);
  if (!existsSync(path)) return null;
  return JSON.parse(readFileSync(path, 'utf8')) as Report;
}

const pathOf = (directory: string, suite: string): string => join(directory, `${suite}.json`);
