/**
 * What one run of one suite found: the file that tables, plots and the check of the goals are made from.
 *
 * Owns    its shape, writing and reading it.
 * Never   holds what was not measured in that run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Histogram } from '../statistics.js';
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
  readonly histogram?: Histogram;
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
}

export function writeReport(directory: string, report: Report): string {
  mkdirSync(directory, { recursive: true });
  const path = pathOf(directory, report.suite);
  // A row on a line: what changed between two runs can be read in a difference.
  const { rows, ...head } = report;
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  const text = JSON.stringify(head, null, 2).replace(/\n}$/, `,\n  "rows": [\n${lines}\n  ]\n}\n`);
  writeFileSync(path, text);
  return path;
}

/** Null where the suite was never run. */
export function readReport(directory: string, suite: string): Report | null {
  const path = pathOf(directory, suite);
  if (!existsSync(path)) return null;
  return JSON.parse(readFileSync(path, 'utf8')) as Report;
}

const pathOf = (directory: string, suite: string): string => join(directory, `${suite}.json`);
