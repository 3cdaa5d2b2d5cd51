/**
 * Consensus core, sign-state and the gate's step machine never suspend, read a clock, draw a random number or
 * touch the world: what they checked on the first line is still true on the last one, and a simulator can
 * replay them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offences, trackedFiles } from '../src/tree.js';

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/\basync\b|\bawait\b|\bPromise\b/, 'suspends'],
  [/\bDate\b|\bperformance\b|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b/, 'reads a clock'],
  [/\bMath\.random\b|\bgetRandomValues\b|\brandomBytes\b/, 'draws a random number'],
  [/'node:|\bprocess\b|\bqueueMicrotask\b/, 'touches the world'],
];

/** Comments may name what the code must not use; their lines stay, so that the numbers are right. */
const withoutComments = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|\s)\/\/.*$/gm, '');

for (const [name, pattern] of [
  ['consensus core', /^packages\/consensus\/src\/core\/.*\.ts$/],
  ['sign-state', /^packages\/sign-state\/src\/.*\.ts$/],
  ['the gate’s step machine', /^packages\/signer\/src\/gate\/(step|judge)\.ts$/],
] as const) {
  test(`${name} is pure and synchronous`, () => {
    const files = trackedFiles(pattern);
    assert.ok(files.length > 0, `no file matches ${pattern}`);
    const code = files.map((file) => ({ ...file, text: withoutComments(file.text) }));
    const found = offences(code, (line) => {
      const hit = forbidden.find(([word]) => word.test(line));
      return hit === undefined ? null : `${hit[1]}: ${line.trim()}`;
    });
    assert.deepEqual(found, []);
  });
}
