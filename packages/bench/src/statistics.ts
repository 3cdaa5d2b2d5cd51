/**
 * What is said of many measured times.
 *
 * Owns    quantiles of a sample, and the histogram that a report keeps in its place.
 * Never   drops an outlier, and never averages quantiles.
 */

/** Milliseconds, but for the count. */
export interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Counts by upper edge in milliseconds, in their order; edges lie 5 % apart, empty ones are left out. */
export type Histogram = readonly (readonly [edgeMs: number, count: number])[];

const STEP = 1.05;
const SMALLEST_MS = 0.001;

/** @param values milliseconds, at least one */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    max: quantile(sorted, 1),
  };
}

/** The smallest value that at least the share `q` of all does not exceed: always one that was measured. */
export function quantile(sorted: readonly number[], q: number): number {
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  if (value === undefined) throw new Error('no quantile of nothing');
  return value;
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

export function histogram(values: readonly number[]): Histogram {
  const counts = new Map<number, number>();
  for (const value of values) {
    const bucket = Math.ceil(Math.log(Math.max(value, SMALLEST_MS) / SMALLEST_MS) / Math.log(STEP));
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([bucket, count]) => [rounded(SMALLEST_MS * STEP ** bucket), count]);
}

/** One of all that several histograms counted, given one after the other. */
export function merged(counts: Histogram): Histogram {
  const sums = new Map<number, number>();
  for (const [edge, count] of counts) sums.set(edge, (sums.get(edge) ?? 0) + count);
  return [...sums].sort(([a], [b]) => a - b);
}

/** Four digits that count. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
