/** The page that quotes the check against the goals: it says what the reports beside it show, no older ones. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkedGoals } from '../src/goals.js';

const reports = fileURLToPath(new URL('../../../../docs/performance/', import.meta.url));

test('docs/performance/README.md quotes what npm run bench -- --check prints', () => {
  const lines = checkedGoals(reports).map(({ line }) => line);
  const page = readFileSync(`${reports}README.md`, 'utf8');
  const quoted = page.split('\n').filter((line) => /^(met|MISSED) /.test(line));
  assert.deepEqual(
    quoted,
    lines,
    'the reports changed: quote the check anew, or go back to the reports of before (git restore docs/performance)',
  );
});
