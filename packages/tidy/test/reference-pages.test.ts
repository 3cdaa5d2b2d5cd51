/** The reference pages say what the code says: each is printed anew and compared. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { referencePages } from '../src/pages.js';
import { root } from '../src/tree.js';

for (const { path, text } of referencePages()) {
  test(`${path} is what the code prints`, () => {
    const file = join(root, path);
    const there = existsSync(file) ? readFileSync(file, 'utf8') : '';
    assert.equal(there, text, `${path} is not what the code says. Run: npm run docs`);
  });

  test(`${path} has a value for every blank`, () => {
    assert.doesNotMatch(
      text,
      /undefined|\[object |NaN|function/,
      'a placeholder was not filled in',
    );
  });
}
