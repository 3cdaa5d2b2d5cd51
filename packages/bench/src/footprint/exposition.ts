/**
 * Histograms in the text that Prometheus reads.
 *
 * Owns    their buckets, summed over all labels, and what came in between two readings.
 * Never   guesses within a bucket: a quantile is the upper edge of the one it lies in.
 */

/** Counts at or below an upper edge in seconds, `Infinity` last. */
export type Buckets = ReadonlyMap<number, number>;

export function bucketsOf(text: string, name: string): Buckets {
  const found = new Map<number, number>();
  const sample = new RegExp(`^${name}_bucket\\{(.*)\\} (\\S+)$`, 'gm');
  for (const [, labels = '', value = ''] of text.matchAll(sample)) {
    const le = /(?:^|,)le="([^"]+)"/.exec(labels)?.[1];
    if (le === undefined) continue;
    const edge = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    found.set(edge, (found.get(edge) ?? 0) + Number(value));
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/**
 * Of what came after `before`. Beyond all edges counts as the highest one.
 * @returns milliseconds; null: nothing came
 */
export function quantileMs(before: Buckets, after: Buckets, q: number): number | null {
  const came = [...after].map(([edge, count]) => [edge, count - (before.get(edge) ?? 0)] as const);
  const total = came.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const edges = came.map(([edge]) => edge).filter(Number.isFinite);
  const found = came.find(([edge, count]) => Number.isFinite(edge) && count >= q * total)?.[0];
  const edge = found ?? edges.at(-1);
  return edge === undefined ? null : edge * 1000;
}
