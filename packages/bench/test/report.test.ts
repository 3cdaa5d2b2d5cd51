/** What of the measured rows goes into a report, and that it comes out of its file again as it was. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  distributionsOf,
  type MeasuredRow,
  readReport,
  writeReport,
} from '../src/report/report.js';
import type { Histogram } from '../src/statistics.js';
import { reportOf } from './example-report.js';

const row = (system: string, round: number, histogram?: Histogram): MeasuredRow => ({
  ...{ system, case: 'votes', round, figures: { p50: 1 } },
  ...(histogram === undefined ? {} : { histogram }),
});

test('the rounds of a system are one distribution, in the order of its edges', () => {
  const [first, second]: Histogram[] = [
    [
      [1, 2],
      [3, 4],
    ],
    [
      [2, 1],
      [3, 1],
    ],
  ];
  const rows = [row('a', 1, first), row('b', 1), row('a', 2, second)];
  assert.deepEqual(distributionsOf(rows), [
    {
      system: 'a',
      case: 'votes',
      histogram: [
        [1, 2],
        [2, 1],
        [3, 5],
      ],
    },
  ]);
});

for (const distributions of [[], distributionsOf([row('a', 1, [[1, 2]])])]) {
  test(`with ${distributions.length} distributions it is read as it was written`, (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'cmkms-report-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const report = { ...reportOf(['a'], [row('a', 1), row('a', 2)]), distributions };
    writeReport(directory, report);
    assert.deepEqual(readReport(directory, report.suite), report);
  });
}
