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
    what: 'heights whose commit lacks it, 50 kills',
    suite: 'network',
    bound: 0,
    unit: 'heights',
    better: 'less',
    figure: ({ rows }) => lackingAfter(50, rowsOf(rows, 'cmkms-3', 'with kills')),
  },
  // With a request under way a node needs a try more by itself: it has no bound below 300 ms then.
  wait('kill -9: both, at rest', 'p50', 215),
  wait('kill -9: both, at rest', 'p99', 500),
  wait('kill -9: both', 'p99', 500),
  // The link is held by another replica.
  ...['kill -9: leader', 'SIGSTOP: leader', 'cut silently: leader', 'cut by reset: leader'].flatMap(
    (name) => [wait(name, 'p50', 250), wait(name, 'p99', 600)],
  ),
  // The node's read deadline of 5 s binds.
  wait('SIGSTOP: holder', 'max', 5200),
  wait('SIGSTOP: both', 'max', 5200),
  wait('hand-over: leader', 'p50', 20),
  wait('SIGTERM: both', 'p50', 120),
  {
    what: 'typed refusals in all cases of failover',
    suite: 'failover',
    bound: 0,
    unit: '',
    better: 'less',
    figure: ({ rows }) => largest(rows.filter(isOurs), 'refused'),
  },
  ...['5 ms', '25 ms', '75 ms', '5, 25 and 75 ms'].map(distant),
  {
    what: 'p50 of a forwarded request, less the p50 of an own one and a round trip',
    suite: 'wan',
    bound: 0.3,
    unit: 'ms',
    better: 'less',
    figure: ({ rows }) => medianOf(forwardedMs(rows)),
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

export interface Checked {
  readonly met: boolean;
  readonly line: string;
}

/** @returns for each goal whether the reports in the directory show it; one without a figure is not met */
export function checkedGoals(directory: string): readonly Checked[] {
  return goals.map((goal) => {
    const report = readReport(directory, goal.suite);
    const value = report === null ? null : goal.figure(report);
    const less = goal.better === 'less';
    const met = value !== null && (less ? value <= goal.bound : value >= goal.bound);
    const withUnit = (figure: string): string => `${figure} ${goal.unit}`.trim();
    const command = ['npm run bench --', goal.suite, goal.arguments ?? ''].join(' ').trim();
    const found = value === null ? `no figure: ${command}` : withUnit(shown(value));
    const wanted = `goal ${less ? '<=' : '>='} ${withUnit(String(goal.bound))}`;
    return { met, line: `${met ? 'met   ' : 'MISSED'}  ${goal.what}: ${found} (${wanted})` };
  });
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

/** In the worst round: no height may be missed. Fewer kills show nothing. */
function lackingAfter(kills: number, rows: readonly Row[]): number | null {
  const complete = rows.filter(({ figures }) => (figures['killsInSpan'] ?? 0) >= kills);
  const lacking = complete.flatMap(({ figures }) => figures['lacking'] ?? []);
  return lacking.length === 0 ? null : Math.max(...lacking);
}

/** Of three replicas of ours, what the validator waited. */
function wait(name: string, quantile: 'p50' | 'p99' | 'max', bound: number): Goal {
  const figure = ({ rows }: Report): number | null =>
    largest(rowsOf(rows, 'cmkms-3', name), quantile);
  const what = `until the next signature, ${name}, ${quantile}`;
  return { what, suite: 'failover', bound, unit: 'ms', better: 'less', figure };
}

function distant(distance: string): Goal {
  const figure = ({ rows }: Report): number | null =>
    medianOf(
      rowsOf(rows, 'cmkms-3', `${distance}, link at the leader`).flatMap(({ figures }) => {
        const { p50, roundTrip } = figures;
        return p50 === undefined || roundTrip === undefined ? [] : [p50 / (1.05 * roundTrip + 2)];
      }),
    );
  const what = `wan, ${distance}: p50 against 1.05 round trips to the nearest follower and 2 ms`;
  return { what, suite: 'wan', bound: 1, unit: '', better: 'less', figure };
}

/** In each round: what is left of the time when own signature and round trip are taken off. */
function forwardedMs(rows: readonly Row[]): readonly number[] {
  const own = rowsOf(rows, 'cmkms-3', 'no delay, link at the leader');
  return rowsOf(rows, 'cmkms-3', 'no delay, link at a follower').flatMap(({ round, figures }) => {
    const base = own.find((row) => row.round === round)?.figures['p50'];
    const { p50, roundTrip } = figures;
    return base === undefined || p50 === undefined || roundTrip === undefined
      ? []
      : [p50 - base - roundTrip];
  });
}

const isOurs = ({ system }: Row): boolean => system.startsWith('cmkms-');

const largest = (rows: readonly Row[], figure: string): number | null =>
  rows.reduce<number | null>((most, { figures }) => {
    const value = figures[figure];
    return value === undefined ? most : Math.max(value, most ?? value);
  }, null);

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
