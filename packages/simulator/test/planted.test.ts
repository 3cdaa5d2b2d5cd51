/**
 * Planted bugs fit the code that is there, and one of them is found.
 *
 * Owns    that each patch stands exactly once in the compiled code: one that does not would prove nothing. That every
 *         one is found is `npm run simulate -- --planted`, which takes minutes.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { patched } from '../src/planted/hooks.js';
import { plants } from '../src/planted/index.js';

const packages = new URL('../../../', import.meta.url);

interface PrintedRow {
  readonly found: { readonly promise: string; readonly saw: string } | null;
}

/** As `npm run simulate -- --planted`. */
async function planted(name: string): Promise<{ row: PrintedRow; code: number }> {
  const main = fileURLToPath(new URL('../src/main.js', import.meta.url));
  const args = [main, '--planted', name, '--jobs', '1', '--json'];
  return await new Promise((resolve) => {
    execFile(process.execPath, args, (error, out) =>
      resolve({ row: JSON.parse(out) as PrintedRow, code: error === null ? 0 : 1 }),
    );
  });
}

test('the patches of each planted bug fit the compiled code exactly once', () => {
  for (const { name, patches } of plants) {
    const sources = new Map<string, string>();
    assert.ok(patches.length > 0, name);
    for (const patch of patches) {
      const source = sources.get(patch.file) ?? readFileSync(new URL(patch.file, packages), 'utf8');
      const after = patched(source, patch);
      assert.notEqual(after, source, name);
      sources.set(patch.file, after);
    }
  }
});

test('each planted bug has a name of its own, a rule and a budget', () => {
  assert.equal(new Set(plants.map(({ name }) => name)).size, plants.length);
  for (const { name, rule, budget, says } of plants) {
    assert.match(name, /^[a-z0-9-]+$/);
    assert.ok(rule !== '' && says !== '' && budget > 0, name);
  }
});

test('each file of a planted bug is in the list, and each scenario that finds one is there', () => {
  const folder = fileURLToPath(new URL('../../src/planted/', import.meta.url));
  const files = readdirSync(folder).filter((file) =>
    readFileSync(join(folder, file), 'utf8').includes(': Plant = {'),
  );
  assert.deepEqual(files.sort(), plants.map(({ name }) => `${name}.ts`).sort());
  const scenarios = fileURLToPath(new URL('../../scenarios/', import.meta.url));
  for (const { name, scenario } of plants)
    assert.ok(scenario === undefined || existsSync(join(scenarios, `${scenario}.txt`)), name);
});

test('a bug that no seed meets is found by a story, and by what the story checks', async () => {
  const { row, code } = await planted('two-changes-at-once');
  assert.equal(row.found?.promise, 'no story shows a broken promise');
  assert.match(row.found.saw, /committed 1:3, and then 2:3 in its place/);
  assert.equal(code, 0);
});

test('a patch that fits nowhere, or twice, is refused', () => {
  const patch = { file: 'x.js', replace: 'a', by: 'b' };
  assert.throws(() => patched('c', patch), /found 0 times/);
  assert.throws(() => patched('a a', patch), /found 2 times/);
});

test('a planted bug is found by a promise that it breaks, and the code on the disk knows nothing of it', async () => {
  const { row, code } = await planted('append-ack-before-durable');
  assert.equal(
    row.found?.promise,
    'every promise that left is backed by what its sender’s disk holds',
  );
  assert.equal(code, 0);
});
