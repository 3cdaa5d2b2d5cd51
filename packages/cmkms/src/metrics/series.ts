/**
 * The registry of one replica: the catalogue's metrics as prom-client objects, each series present as 0.
 *
 * Owns    how the catalogue becomes a registry, and the values that every label may take.
 * Never   uses prom-client's global registry: several replicas may live in one process.
 * Proof   test/metrics-text.test.ts (every series of every metric, before anything happened).
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { keyLabel } from '../status.js';
import {
  type Axis,
  labelsOf,
  type MetricName,
  type MetricsWorld,
  metricNames,
  metricRow,
  type NameOf,
} from './catalogue.js';

export type Labels = Readonly<Record<string, string>>;

export class Series {
  readonly registry = new Registry();
  readonly #metrics = new Map<MetricName, Counter | Gauge | Histogram>();

  /** @param processMetrics  also prom-client's `process_*` and `nodejs_*` */
  constructor(world: MetricsWorld, processMetrics: boolean) {
    for (const name of metricNames()) {
      const metric = this.#create(name);
      this.#metrics.set(name, metric);
      for (const labels of everySeries(metricRow(name).axes, world)) zero(metric, labels);
    }
    for (const name of ['cmkms_build_info', 'cmkms_chain_info'] as const) {
      for (const labels of everySeries(metricRow(name).axes, world)) this.gauge(name, labels, 1);
    }
    if (processMetrics) collectDefaultMetrics({ register: this.registry });
  }

  count(name: NameOf<'counter'>, labels: Labels = {}, by = 1): void {
    const metric = this.#metrics.get(name);
    if (metric instanceof Counter) metric.inc(labels, by);
  }

  /** For counters that someone else keeps: sets the total. */
  total(name: NameOf<'counter'>, value: number): void {
    const metric = this.#metrics.get(name);
    if (!(metric instanceof Counter)) return;
    metric.reset();
    metric.inc(value);
  }

  gauge(name: NameOf<'gauge'>, labels: Labels, value: number): void {
    const metric = this.#metrics.get(name);
    if (metric instanceof Gauge) metric.set(labels, value);
  }

  /** @param ms  every duration of this program is in milliseconds; Prometheus gets seconds */
  observe(name: NameOf<'histogram'>, labels: Labels, ms: number): void {
    const metric = this.#metrics.get(name);
    if (metric instanceof Histogram) metric.observe(labels, ms / 1000);
  }

  #create(name: MetricName): Counter | Gauge | Histogram {
    const row = metricRow(name);
    const common = { name, help: row.help, labelNames: labelsOf(row), registers: [this.registry] };
    if (row.kind === 'counter') return new Counter(common);
    if (row.kind === 'gauge') return new Gauge(common);
    return new Histogram({ ...common, buckets: [...(row.buckets ?? [])] });
  }
}

function zero(metric: Counter | Gauge | Histogram, labels: Labels): void {
  if (metric instanceof Counter) metric.inc(labels, 0);
  else if (metric instanceof Gauge) metric.set(labels, 0);
  else metric.zero(labels);
}

/** Every combination of the values that these axes take in this world. */
export function everySeries(axes: readonly Axis[], world: MetricsWorld): Labels[] {
  let series: Labels[] = [{}];
  for (const axis of axes) {
    const values = valuesOf(axis, world);
    series = series.flatMap((labels) => values.map((value) => ({ ...labels, ...value })));
  }
  return series;
}

function valuesOf(axis: Axis, world: MetricsWorld): Labels[] {
  if (typeof axis !== 'string') return axis.values.map((value) => ({ [axis.label]: value }));
  switch (axis) {
    case 'chain':
      return world.chains.map((c) => ({ chain_id: c.chainId, key: keyLabel(c.keyAddress) }));
    case 'link':
      return world.chains.flatMap((c) =>
        c.validators.map((validator) => ({ chain_id: c.chainId, validator })),
      );
    case 'peer':
      return world.peers.map((peer) => ({ peer }));
    case 'build':
      return [{ ...world.build, node_version: process.version }];
    case 'chainInfo':
      return world.chains.map((c) => ({
        chain_id: c.chainId,
        key: keyLabel(c.keyAddress),
        address: c.keyAddress,
        key_type: c.keyType,
      }));
  }
}
