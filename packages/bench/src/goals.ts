/**
 * What we want to reach, and whether the last reports show it.
 *
 * Owns    each goal: its sentence, its bound, and which figure of which report is held against it.
 * Never   measures, and never takes a figure from two runs.
 */
import { isReplica } from './footprint/looks.js';
import { ratios } from './report/markdown.js';
import { type Report, type Row, readReport } from './report/report.js';
import { shown } from './rounds.js';
import { median } from './statistics.js';
import { nextSnapshotNear } from './suites/start.js';

interface Goal {
  readonly what: string;
  readonly suite: string;
  /** That the suite needs for it, where its own numbers are not enough. */
  readonly arguments?: string;
  readonly bound: number;
  readonly unit: string;
  readonly better: 'less' | 'more';
  /** Null where the report does not have it: a peer was left out. */
  figure(report: Report): number | null;
}

const goals: readonly Goal[] = [
  ratio('p50, three replicas, against cosmos/kms alone', 'cmkms-3', 'cosmos-kms', 1.0),
  ratio('p50, three replicas, against the Go CometKMS', 'cmkms-3', 'go-cometkms', 0.33),
  ratio('p50, three replicas, against Horcrux 2 of 3', 'cmkms-3', 'horcrux', 0.17),
  ratio('p50, three replicas, against a majority write of the machine', 'cmkms-3', 'machine', 2.0),
  ratio('p50, one replica (solo), against tmkms', 'cmkms-1', 'tmkms', 2.0),
  tail('p99 against own p50, three replicas', 'p99', 3),
  tail('p99.9 against own p50, three replicas', 'p999', 8),
  {
    what: '64 chains at once',
    suite: 'throughput',
    bound: 2500,
    unit: 'signatures/s',
    better: 'more',
    figure: ({ rows }) => middle(rowsOf(rows, 'cmkms-3', '64 chains'), 'perSecond'),
  },
  {
    what: 'start with 10 million entries behind it, the next snapshot near, three replicas',
    suite: 'start',
    arguments: '--scale 10',
    bound: 1000,
    unit: 'ms',
    better: 'less',
    figure: ({ rows, settings }) => {
      if (Number(settings['entries']) < 10_000_000) return null;
      return middle(rowsOf(rows, 'cmkms-3', nextSnapshotNear), 'max');
    },
  },
  {
    what: 'RSS of the largest of three replicas at the end of an hour',
    suite: 'footprint',
    bound: 100,
    unit: 'MB',
    better: 'less',
    figure: (report) => most(replicasAfterAnHour(report).map(({ figures }) => figures['rssEndMb'])),
  },
  {
    what: 'highest RSS of a replica after the warm-up, against its own then',
    suite: 'footprint',
    bound: 1.1,
    unit: '',
    better: 'less',
    figure: (report) =>
      most(
        replicasAfterAnHour(report).map(({ figures: { rssHighestMb, rssWarmMb } }) =>
          rssHighestMb === undefined || rssWarmMb === undefined
            ? undefined
            : rssHighestMb / rssWarmMb,
        ),
      ),
  },
];

/** Prints a line for each goal. @returns whether all are met; one without a figure is not */
export function checkGoals(directory: string): boolean {
  let all = true;
  for (const goal of goals) {
    const { what, suite, bound, unit, better } = goal;
    const command = ['npm run bench --', suite, goal.arguments ?? ''].join(' ').trim();
    const report = readReport(directory, suite);
    const value = report === null ? null : goal.figure(report);
    const met = value !== null && (better === 'less' ? value <= bound : value >= bound);
    all &&= met;
    const found = value === null ? `no figure: ${command}` : `${shown(value)} ${unit}`;
    const wanted = `${better === 'less' ? '<=' : '>='} ${bound} ${unit}`;
    console.log(`${met ? 'met   ' : 'MISSED'}  ${what}: ${found} (goal ${wanted.trim()})`);
  }
  return all;
}

function ratio(what: string, system: string, reference: string, bound: number): Goal {
  const figure = ({ rows }: Report): number | null =>
    medianOf(ratios(rows, 'p50', 'votes', system, reference));
  return { what, suite: 'latency', bound, unit: '', better: 'less', figure };
}

function tail(what: string, name: string, bound: number): Goal {
  const figure = ({ rows }: Report): number | null =>
    medianOf(
      rowsOf(rows, 'cmkms-3', 'votes').flatMap(({ figures }) => {
        const [value, base] = [figures[name], figures['p50']];
        return value === undefined || base === undefined ? [] : [value / base];
      }),
    );
  return { what, suite: 'latency', bound, unit: '', better: 'less', figure };
}

const rowsOf = (rows: readonly Row[], system: string, name: string): readonly Row[] =>
  rows.filter((row) => row.system === system && row.case === name);

/** None where it was not as long. */
function replicasAfterAnHour({ rows, settings }: Report): readonly Row[] {
  if (Number(settings['minutes']) < 60) return [];
  return rows.filter((row) => row.system === 'cmkms-3' && isReplica(row.case));
}

const most = (values: readonly (number | undefined)[]): number | null => {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : Math.max(...known);
};

const middle = (rows: readonly Row[], figure: string): number | null =>
  medianOf(rows.flatMap(({ figures }) => figures[figure] ?? []));

const medianOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : median(values);
