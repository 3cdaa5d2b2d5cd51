/**
 * docs/metrics.md: every metric, and the codes of readiness.
 *
 * Owns    the layout of the page.
 * Never   describes a metric: the catalogue does.
 */
import { labelsOf, metricNames, metricRow, noteCodes, reasonCodes } from 'cmkms';
import { code, type Page, page, table } from './markdown.js';

function labels(name: Parameters<typeof metricRow>[0]): string {
  const row = metricRow(name);
  const values = new Map(
    row.axes.flatMap((axis) =>
      typeof axis === 'string' ? [] : [[axis.label, axis.values] as const],
    ),
  );
  return labelsOf(row)
    .map((label) => {
      const known = values.get(label);
      return known === undefined ? code(label) : `${code(label)} (${known.join(', ')})`;
    })
    .join(', ');
}

export function metricsPage(): Page {
  const rows = metricNames().map((name) => {
    const { kind, help } = metricRow(name);
    return [code(name), kind, labels(name), help];
  });
  return page({
    name: 'metrics',
    title: 'Metrics',
    from: ['packages/cmkms/src/metrics/catalogue.ts', 'packages/cmkms/src/http/readiness.ts'],
    body: [
      '`curl http://127.0.0.1:8080/metrics`, on each replica. All series exist as 0 from the start, so ' +
        '`increase()` sees the first event. Seconds and bytes throughout. `key` is the first 8 hex ' +
        'digits of the address of the key. Besides these there are the `process_` and `nodejs_` ' +
        'metrics of prom-client.',
      'Alerts made from them: [alerts](alerts.md), ' +
        '[the rules](../deploy/prometheus/cmkms.rules.yml).',
      table(['metric', 'kind', 'labels', 'what it is'], rows),
      '## Ready, and why not',
      '`/readyz` answers 200 or 503 with a list. Each of these reasons alone makes a replica not ready: ' +
        `${reasonCodes.map(code).join(', ')}.`,
      'A validator that is down does not: an orchestrator must not evict a signer because a node ' +
        'restarts. These are notes, and a replica with notes is ready: ' +
        `${noteCodes.map(code).join(', ')}.`,
    ],
  });
}
