/**
 * What `simulate --planted` prints.
 *
 * Owns    the table, and a line for each bug as soon as it is done.
 */
import type { Plant } from './plant.js';

export interface Row {
  readonly plant: Plant;
  /** Null: it survived. */
  readonly found: {
    readonly promise: string;
    readonly saw: string;
    /** One of both. */
    readonly seed?: number;
    readonly scenario?: string;
  } | null;
  /** Null: only the one that was remembered. */
  readonly seeds: number | null;
  readonly tookMs: number;
}

const secondsOf = ({ tookMs }: Row): string => (tookMs / 1000).toFixed(0);

/** Where it was sought, in a word. */
function placeOf({ plant, found, seeds }: Row): string {
  const place = plant.scenario ?? `${seeds ?? `seed ${found?.seed}`}`;
  return found === null ? `SURVIVED ${place}` : place;
}

/** @param progress  as `3/70` */
export function printRow(row: Row, progress: string, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ ...row, plant: row.plant.name })}\n`);
    return;
  }
  const { plant, found, seeds } = row;
  const bySeeds =
    seeds === null ? `seed ${found?.seed}` : `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
  const sought = plant.scenario ?? bySeeds;
  const how = found === null ? `SURVIVED ${sought}` : `found by ${sought}`;
  const took = `${secondsOf(row).padStart(4)} s`;
  process.stderr.write(`${progress.padStart(5)} ${took}  ${how.padEnd(30)} ${plant.name}\n`);
}

export function printTable(rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.plant.name,
    row.plant.rule,
    placeOf(row),
    secondsOf(row),
    row.found?.promise ?? 'no promise broke',
  ]);
  const head = ['planted bug', 'rule', 'seeds, or scenario', 's', 'found by'];
  const widths = head.map((title, at) =>
    Math.max(title.length, ...cells.map((row) => (row[at] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const survived = rows.filter(({ found }) => found === null).length;
  const last = `${rows.length - survived} of ${rows.length} found`;
  process.stdout.write(`${[line(head), rule, ...cells.map(line), '', last].join('\n')}\n`);
}
