/**
 * Planted bugs fit the code that is there, and one of them is found.
 *
 * Owns    that each patch stands exactly once in the compiled code: one that does not would prove nothing. That every
 *         one is found is `npm run simulate -- --planted`, which takes minutes.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { patched } from '../src/planted/hooks.js';
import { plants } from '../src/planted/index.js';

const packages = new URL('../../../', import.meta.url);

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

test('a patch that fits nowhere, or twice, is refused', () => {
  const patch = { file: 'x.js', replace: 'a', by: 'b' };
  assert.throws(() => patched('c', patch), /found 0 times/);
  assert.throws(() => patched('a a', patch), /found 2 times/);
});

test('a planted bug is found by a promise that it breaks, and the code on the disk knows nothing of it', async () => {
  const main = fileURLToPath(new URL('../src/main.js', import.meta.url));
  const args = [main, '--planted', 'append-ack-before-durable', '--jobs', '1', '--json'];
  const { stdout, code } = await new Promise<{ stdout: string; code: number }>((resolve) => {
    execFile(process.execPath, args, (error, out) =>
      resolve({ stdout: out, code: error === null ? 0 : 1 }),
    );
  });
  assert.notEqual(stdout, '');
  const row = JSON.parse(stdout) as { found: { promise: string } | null };
  assert.equal(
    row.found?.promise,
    'every promise that left is backed by what its sender’s disk holds',
  );
  assert.equal(code, 0);
});
