/** How a mutation run is judged, and that its list of explained survivors speaks of lines that stand. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MutantResult } from '@stryker-mutator/api/core';
import { type Explained, explained } from '../src/mutation/explained.js';
import { targets } from '../src/mutation/targets.js';
import { type Compiled, judge } from '../src/mutation/verdict.js';
import { root } from '../src/tree.js';

/** Line 2 of the code is line 1 of the source. */
const compiled: Compiled = {
  file: 'a.ts',
  source: '  return one as number;\n',
  code: '// compiled\n    return one;\n',
  map: {
    file: 'a.js',
    version: 3,
    sources: ['a.ts'],
    sourcesContent: [],
    names: [],
    mappings: ';AAAA',
    sourceRoot: '',
  },
};
const mutant = (status: MutantResult['status'], statusReason = ''): MutantResult => ({
  id: '1',
  fileName: 'a.js',
  mutatorName: 'm',
  replacement: '2',
  location: { start: { line: 2, column: 12 }, end: { line: 2, column: 15 } },
  status,
  statusReason,
});
const why: Explained = {
  file: 'a.ts',
  line: 'return one as number;',
  from: 'one',
  to: ['2'],
  why: 'w',
};
const judged = (results: readonly MutantResult[], explanations: readonly Explained[] = []) =>
  judge(results, () => compiled, explanations);

test('a mutant that nobody noticed is named by the line of its source', () => {
  const [survivor] = judged([mutant('Survived')]).unexplained;
  assert.deepEqual(survivor, {
    file: 'a.ts',
    lineNumber: 1,
    line: 'return one as number;',
    from: 'one',
    to: '2',
    unreached: false,
  });
  assert.equal(judged([mutant('NoCoverage')]).unexplained[0]?.unreached, true);
});

test('noticed is what failed a test, hung, or ended its process; an error of the run is not', () => {
  const ended = mutant('RuntimeError', 'Tap process exited with code 1. To reproduce');
  const outcome = judged([mutant('Killed'), mutant('Timeout'), ended, mutant('Ignored')]);
  assert.deepEqual(outcome, {
    mutants: 3,
    killed: 2,
    timedOut: 1,
    explained: 0,
    unexplained: [],
    stale: [],
  });
  assert.equal(judged([mutant('RuntimeError', 'no such file')]).unexplained.length, 1);
});

test('an explanation excuses its own mutant, and is stale once that is noticed', () => {
  const survived = judged([mutant('Survived')], [why]);
  assert.deepEqual([survived.explained, survived.unexplained, survived.stale], [1, [], []]);
  assert.equal(judged([mutant('Survived')], [{ ...why, to: ['3'] }]).unexplained.length, 1);
  assert.deepEqual(judged([mutant('Killed')], [why]).stale, [why]);
  assert.deepEqual(judged([mutant('Timeout')], [why]).stale, []);
  assert.deepEqual(judged([mutant('Killed')], [{ ...why, file: 'b.ts' }]).stale, []);
});

test('each explanation is of a line that stands in a file that is mutated, and gives a reason', () => {
  const files = Object.values(targets).flatMap(({ room, sources }) =>
    sources.map((name) => `packages/${room}/src/${name}.ts`),
  );
  for (const { file, line, why } of explained) {
    assert.ok(files.includes(file), `${file} is not mutated`);
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    assert.ok(
      lines.some((each) => each.trim() === line),
      `${file} has no line "${line}"`,
    );
    assert.notEqual(why, '');
  }
});
