/** A report with rows of a test, and nothing else in it. */
import type { Report, Row } from '../src/report/report.js';

export function reportOf(names: readonly string[], rows: readonly Row[]): Report {
  return {
    suite: 'some',
    command: 'npm run bench -- some',
    at: '2030-01-01T00:00:00.000Z',
    tookSeconds: 1,
    machine: {
      ...{ processors: '1 x any', memoryGiB: 1, kernel: 'any', fileSystem: 'any' },
      ...{ node: 'v0', loadBefore: 0 },
    },
    commit: '0123456789',
    validator: 'nobody',
    settings: {},
    systems: names.map((name) => ({ name, title: name, durability: 'none', version: '0' })),
    leftOut: [],
    rows,
    distributions: [],
  };
}
