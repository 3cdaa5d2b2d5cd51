/**
 * The catalogue against the conventions of Prometheus and of this program.
 *
 * Owns    the rules that every new metric must keep.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsOf, metricNames, metricRow } from '../src/metrics/index.js';

for (const name of metricNames()) {
  test(`${name} follows the conventions`, () => {
    const row = metricRow(name);
    assert.match(name, /^cmkms_[a-z]+(_[a-z]+)*$/);
    assert.equal(row.kind === 'counter', name.endsWith('_total'), '_total is a counter, always');
    if (row.kind === 'histogram') {
      assert.ok(name.endsWith('_seconds'), 'base unit in the name');
      const buckets = row.buckets ?? [];
      assert.deepEqual(
        buckets,
        [...new Set(buckets)].sort((a, b) => a - b),
      );
      assert.ok(buckets.length >= 5 && (buckets[0] ?? 0) > 0);
    } else {
      assert.equal(row.buckets, undefined);
    }
    assert.match(row.help, /^[A-Z0-9].*\.$/);
    for (const label of labelsOf(row)) assert.doesNotMatch(label, /height|hash|error|signature/);
    assert.equal(new Set(labelsOf(row)).size, labelsOf(row).length);
  });
}
