/**
 * Writes the reference pages into docs/: npm run docs.
 *
 * Owns    writing them.
 * Never   touches a page that is written by hand.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referencePages } from './pages.js';
import { root } from './tree.js';

for (const { path, text } of referencePages()) {
  writeFileSync(join(root, path), text);
  console.log(`wrote ${path}`);
}
