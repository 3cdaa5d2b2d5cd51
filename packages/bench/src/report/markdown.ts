/**
 * A report as a page: the command first, then what it ran on, then tables.
 *
 * Owns    the page docs/performance/<suite>.md.
 * Never   says more than the report holds.
 */
import type { Column, Suite } from '../bench.js';
import { shown } from '../rounds.js';
import { median } from '../statistics.js';
import type { Report, Row } from './report.js';

export function page(suite: Suite, report: Report, plots: readonly string[]): string {
  const cases = [...new Set(report.rows.map((row) => row.case))];
  const tables =
    report.systems.length === 1
      ? tableOfCases(suite, report, cases)
      : cases.flatMap((name) => tableOf(suite, report, name));
  return `${[
    `# Performance: ${report.suite}`,
    '',
    `${capital(suite.about)}.`,
    '',
    '```sh',
    report.command,
    '```',
    '',
    ...facts(report),
    '',
    suite.notes,
    '',
    ...tables,
    ...plots.flatMap((file) => [`![${file.replace(/\.svg$/, '')}](${file})`, '']),
    `Raw figures: [${report.suite}.json](${report.suite}.json).`,
  ].join('\n')}\n`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function facts(report: Report): readonly string[] {
  const { machine, settings } = report;
  const much = Object.entries(settings).map(([name, value]) => `${inWords(name)} ${value}`);
  return [
    '| | |',
    '|---|---|',
    `| when | ${report.at.slice(0, 16).replace('T', ' ')} UTC, ${Math.round(report.tookSeconds)} s |`,
    `| machine | ${machine.processors}, ${machine.memoryGiB} GiB, ${machine.kernel}, ${machine.fileSystem} |`,
    `| load before | ${machine.loadBefore} |`,
    `| commit | ${report.commit} |`,
    `| Node | ${machine.node} |`,
    `| validator | ${report.validator} |`,
    `| measured | ${much.join(', ')} |`,
    ...report.systems.map(({ title, version, durability }) => {
      return `| ${title} | ${version}; state: ${durability} |`;
    }),
    ...report.leftOut.map((text) => `| left out | ${text} |`),
  ];
}

/** `warmUp` is warm-up in a sentence. */
const inWords = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** Medians over the rounds, and beside the compared figure its lowest and highest round. */
function tableOf(suite: Suite, report: Report, name: string): readonly string[] {
  const rows = report.rows.filter((row) => row.case === name);
  const systems = report.systems.filter(({ name: system }) =>
    rows.some((r) => r.system === system),
  );
  const columns = suite.columns.filter(({ figure }) => rows.some((row) => figure in row.figures));
  const { compared } = suite;
  const reference = compared === null ? undefined : referenceOf(systems.map((s) => s.name));
  const heads = [
    'system',
    ...columns.map(({ title }) => title),
    ...(compared === null ? [] : ['lowest–highest round']),
    ...(reference === undefined ? [] : [`against ${reference}`]),
  ];
  const lines = systems.map(({ name: system, title }) => {
    const own = rows.filter((row) => row.system === system);
    const cells = cellsOf(own, columns, compared);
    if (compared !== null && reference !== undefined) {
      cells.push(spread(ratios(report.rows, compared, name, system, reference), true));
    }
    return [title, ...cells];
  });
  return [`## ${capital(name)}`, '', ...table(heads, lines), ''];
}

/** Of one system there is nothing to set side by side but its cases. */
function tableOfCases(
  { columns, compared }: Suite,
  { systems, rows }: Report,
  cases: readonly string[],
): readonly string[] {
  const used = columns.filter(({ figure }) => rows.some((row) => figure in row.figures));
  const heads = [
    ...['case', ...used.map(({ title }) => title)],
    ...(compared === null ? [] : ['lowest–highest round']),
  ];
  const lines = cases.map((name) => {
    const own = rows.filter((row) => row.case === name);
    return [name, ...cellsOf(own, used, compared)];
  });
  return [`## ${capital(systems[0]?.title ?? '')}`, '', ...table(heads, lines), ''];
}

function cellsOf(own: readonly Row[], columns: readonly Column[], compared: string | null) {
  const cells = columns.map(({ figure }) => {
    const values = own.flatMap(({ figures }) => figures[figure] ?? []);
    return values.length === 0 ? '–' : shown(median(values));
  });
  if (compared !== null) cells.push(spread(own.flatMap(({ figures }) => figures[compared] ?? [])));
  return cells;
}

function table(heads: readonly string[], lines: readonly (readonly string[])[]): readonly string[] {
  return [
    `| ${heads.join(' | ')} |`,
    `|---|${'---:|'.repeat(heads.length - 1)}`,
    ...lines.map((cells) => `| ${cells.join(' | ')} |`),
  ];
}

/** Everything is set against three replicas of ours. */
function referenceOf(systems: readonly string[]): string | undefined {
  return systems.length > 1 && systems.includes('cmkms-3') ? 'cmkms-3' : undefined;
}

function spread(values: readonly number[], withMedian = false): string {
  if (values.length === 0) return '–';
  const range = `${shown(Math.min(...values))}–${shown(Math.max(...values))}`;
  return withMedian ? `${shown(median(values))} (${range})` : range;
}

/** Of one figure between two systems, each within its round. */
export function ratios(
  rows: readonly Row[],
  figure: string,
  name: string,
  system: string,
  reference: string,
): readonly number[] {
  const of = (which: string): readonly Row[] =>
    rows.filter((row) => row.system === which && row.case === name);
  return of(system).flatMap((row) => {
    const value = row.figures[figure];
    const base = of(reference).find(({ round }) => round === row.round)?.figures[figure];
    return value === undefined || base === undefined || base === 0 ? [] : [value / base];
  });
}
