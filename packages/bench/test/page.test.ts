/** The tables of a page: systems beside each other, or the cases of the only one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Suite } from '../src/bench.js';
import { page } from '../src/report/markdown.js';
import type { Row } from '../src/report/report.js';
import { reportOf } from './example-report.js';

const suite: Suite = {
  name: 'some',
  about: 'some figures',
  notes: 'Notes.',
  columns: [{ figure: 'p50', title: 'p50' }],
  compared: 'p50',
  plot: null,
  run: () => Promise.reject(new Error('nothing is measured here')),
};

const row = (system: string, name: string, round: number, p50: number): Row => ({
  ...{ system, case: name, round, figures: { p50 } },
});

test('one system is a table of its cases, with the spread of its rounds', () => {
  const rows = [row('a', 'write', 1, 1.25), row('a', 'write', 2, 3.5), row('a', 'read', 1, 2.5)];
  const text = page(suite, reportOf(['a'], rows), []);
  assert.match(text, /## A\n\n\| case \| p50 \| lowest–highest round \|/);
  assert.match(text, /\| write \| 1\.25 \| 1\.25–3\.50 \|\n\| read \| 2\.50 \| 2\.50–2\.50 \|/);
});

test('more systems are a table for each case, set against three replicas within a round', () => {
  const rows = [row('machine', 'votes', 1, 1.25), row('cmkms-3', 'votes', 1, 2.5)];
  const text = page(suite, reportOf(['machine', 'cmkms-3'], rows), []);
  assert.match(text, /## Votes\n\n\| system \| p50 \| lowest–highest round \| against cmkms-3 \|/);
  assert.match(text, /\| machine \| 1\.25 \| 1\.25–1\.25 \| 0\.500 \(0\.500–0\.500\) \|/);
});
