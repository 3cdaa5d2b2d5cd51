/**
 * What every suite is given: the systems to measure, the validators to measure with, and how much.
 *
 * Owns    nothing that is measured.
 */
import type { MeasuredRow, Report } from './report/report.js';
import type { Described, System } from './systems/system.js';
import type { ValidatorSide } from './validator/validator-side.js';

export interface Bench {
  /** In the order of their turns. */
  readonly systems: readonly System[];
  readonly validatorSide: () => ValidatorSide;
  /** Null: the suite's own number. */
  readonly rounds: number | null;
  /** Multiplies heights, kills and seconds; 1 is what the reports are made with. */
  readonly scale: number;
  /** Directories of the turns stay. */
  readonly keep: boolean;
  /** A line of progress. */
  say(line: string): void;
}

/** What a suite gives back; the rest of its report is the same for all. */
export interface SuiteResult {
  readonly settings: Report['settings'];
  /** Those that were measured. */
  readonly systems: readonly Described[];
  readonly leftOut: readonly string[];
  readonly rows: readonly MeasuredRow[];
  /** In the report, where the suite does not ask with `validatorSide`. */
  readonly validator?: string;
}

/** Something that the user can put right, and how: told as one line. */
export class CannotMeasure extends Error {
  override readonly name = 'CannotMeasure';
}

/** A column of the suite's table: a figure, and its unit where that is not milliseconds. */
export interface Column {
  readonly figure: string;
  readonly title: string;
}

/** As `measuredTimes` gives them, in milliseconds. */
export const quantiles: readonly Column[] = [
  { figure: 'p50', title: 'p50' },
  { figure: 'p90', title: 'p90' },
  { figure: 'p99', title: 'p99' },
  { figure: 'p999', title: 'p99.9' },
  { figure: 'max', title: 'max' },
];

export interface Suite {
  readonly name: string;
  /** One line, for `--help` and the report. */
  readonly about: string;
  /** What a reader of the table has to know, as Markdown. */
  readonly notes: string;
  readonly columns: readonly Column[];
  /** The figure whose ratios between systems are shown, if that makes sense. */
  readonly compared: string | null;
  /** Plotted as a distribution (from histograms), as stages one below the other, or as one figure by case. */
  readonly plot:
    | 'distribution'
    | 'waterfall'
    | { readonly figure: string; readonly axis: string }
    | null;
  run(bench: Bench): Promise<SuiteResult>;
}
