/**
 * What Prometheus reads before anything happened: every series of every metric.
 *
 * Owns    the promise that no series is missing after a restart, and that replicas do not share a registry.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Metrics, metricNames, metricRow } from '../src/metrics/index.js';
import { everySeries } from '../src/metrics/series.js';
import { healthy, judged, now, world } from './example-status.js';
import { parseSamples, sampleName } from './exposition.js';

function metrics(t: TestContext, processMetrics = false): Metrics {
  const made = new Metrics(world, { processMetrics });
  t.after(() => made.stop());
  return made;
}

test('every series of every metric is there, counters and histograms at 0', async (t) => {
  const samples = parseSamples(await metrics(t).text(healthy, judged(healthy), now));
  let series = 0;
  for (const name of metricNames()) {
    const row = metricRow(name);
    for (const labels of everySeries(row.axes, world)) {
      const suffix = row.kind === 'histogram' ? '_count' : '';
      const value = samples.get(sampleName(`${name}${suffix}`, labels));
      assert.notEqual(value, undefined, sampleName(name, labels));
      if (row.kind !== 'gauge') assert.equal(value, 0, sampleName(name, labels));
      series++;
    }
  }
  // 2 chains x 3 types x 17 outcomes are a part of it: an axis that lost its values would show here.
  assert.equal(everySeries(metricRow('cmkms_sign_requests_total').axes, world).length, 102);
  assert.ok(series > 250, `${series} series`);
});

test('nothing is there that the catalogue does not name', async (t) => {
  const text = await metrics(t).text(healthy, judged(healthy), now);
  const named = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name, kind]);
  assert.deepEqual(
    named,
    metricNames().map((name) => [name, metricRow(name).kind]),
  );
});

test('with the metrics of the process, those of Node and prom-client are there too', async (t) => {
  const text = await metrics(t, true).text(healthy, judged(healthy), now);
  for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']) {
    assert.match(text, new RegExp(`^${name}`, 'm'));
  }
});

test('two replicas in one process count apart', async (t) => {
  const [one, other] = [metrics(t), metrics(t)];
  one.leaderChanged();
  const value = async (of: Metrics): Promise<number | undefined> =>
    parseSamples(await of.text(healthy, judged(healthy), now)).get(
      'cmkms_raft_leader_changes_total',
    );
  assert.deepEqual([await value(one), await value(other)], [1, 0]);
});
