/**
 * What is said of a system that was looked at three times: at its start, warmed up, and at the end.
 *
 * Owns    the figures, for all its replicas together and for each of them.
 * Never   reads a file or a clock.
 */
import type { Measured } from '../rounds.js';
import { rounded, summarize } from '../statistics.js';
import { bucketsOf, quantileMs } from './exposition.js';
import type { Usage } from './usage.js';

/** All that is known of a system at one moment; processes and metrics in the order of its replicas. */
export interface Look {
  readonly processes: readonly Usage[];
  readonly diskBytes: number;
  /** To the disk of the homes, by whoever; null: not known. */
  readonly writtenBytes: number | null;
  /** As Prometheus reads them; empty where a replica does not tell. */
  readonly metrics: readonly string[];
}

export interface Looks {
  readonly start: Look;
  readonly warm: Look;
  readonly end: Look;
}

/** Between warm-up and end. */
export interface Asked {
  readonly heights: number;
  /** Milliseconds that each signature took. */
  readonly signatures: readonly number[];
  readonly refused: number;
}

const MEGABYTE = 1e6;
const HEIGHTS_PER_DAY = 86_400;
const TAIL = 0.999;
const tails = {
  loopDelay: 'cmkms_event_loop_lag_seconds',
  gcPause: 'nodejs_gc_duration_seconds',
} as const;

export const allTogether = 'all replicas together';
export const isReplica = (name: string): boolean => /^replica \d+$/.test(name);

/** @param highestBytes  RSS of each replica, the most that was seen after the warm-up */
export function rowsOf(
  looks: Looks,
  highestBytes: readonly number[],
  asked: Asked,
): readonly Measured[] {
  const { start, warm, end } = looks;
  const replicas = end.processes.map((last, i) => {
    const [first, warmed] = [start.processes[i] ?? last, warm.processes[i] ?? last];
    return {
      rssStartMb: first.rssBytes / MEGABYTE,
      rssWarmMb: warmed.rssBytes / MEGABYTE,
      rssEndMb: last.rssBytes / MEGABYTE,
      rssHighestMb: Math.max(highestBytes[i] ?? 0, warmed.rssBytes, last.rssBytes) / MEGABYTE,
      ...perThousand(asked, 'cpuSeconds', last.cpuSeconds - warmed.cpuSeconds),
    };
  });
  const sums = replicas.reduce<Record<string, number>>((sum, figures) => {
    for (const [name, value] of Object.entries(figures)) sum[name] = (sum[name] ?? 0) + value;
    return sum;
  }, {});
  const [before, after] = [warm.writtenBytes, end.writtenBytes];
  const written = before === null || after === null ? null : (after - before) / MEGABYTE;
  const growthMb = (end.diskBytes - warm.diskBytes) / MEGABYTE;
  const all = {
    ...sums,
    ...(written === null ? {} : perThousand(asked, 'writtenMb', written)),
    ...(asked.heights === 0
      ? {}
      : { growthMbPerDay: (growthMb / asked.heights) * HEIGHTS_PER_DAY }),
    ...latencyOf(asked.signatures),
    signatures: asked.signatures.length,
    refused: asked.refused,
  };
  return [
    { case: allTogether, figures: short(all) },
    ...replicas.map((figures, i) => ({
      case: `replica ${i + 1}`,
      figures: short({ ...figures, ...tailsOf(warm.metrics[i] ?? '', end.metrics[i] ?? '') }),
    })),
  ];
}

/** Nothing where nothing was signed. */
function perThousand(
  { signatures: { length } }: Asked,
  figure: string,
  spent: number,
): Readonly<Record<string, number>> {
  return length === 0 ? {} : { [figure]: (spent * 1000) / length };
}

/** Nothing where nothing was signed. */
function latencyOf(signatures: readonly number[]): Readonly<Record<string, number>> {
  if (signatures.length === 0) return {};
  const { p50, p99, p999 } = summarize(signatures);
  return { p50, p99, p999 };
}

function tailsOf(warm: string, end: string): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [figure, metric] of Object.entries(tails)) {
    const value = quantileMs(bucketsOf(warm, metric), bucketsOf(end, metric), TAIL);
    if (value !== null) found[figure] = value;
  }
  return found;
}

function short(figures: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)]));
}
