/** The assertion itself: passes what holds, ends what does not, and a real process really ends. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { InvariantViolation, invariant, onViolation } from '../src/index.js';

test('what holds passes in silence', () => {
  invariant(1 + 1 === 2, 'arithmetic works');
});

test('a violation carries its reason and its facts, bigint and bytes readable', () => {
  const restore = onViolation((violation) => {
    throw violation;
  });
  try {
    assert.throws(
      () => invariant(false, 'the log has no holes', { index: 7n, bytes: Uint8Array.of(0xab) }),
      (error: unknown) =>
        error instanceof InvariantViolation &&
        error.message.includes('the log has no holes') &&
        error.message.includes('"7"') &&
        error.message.includes('"ab"'),
    );
  } finally {
    restore();
  }
});

test('a violation ends the process even where every error is caught', () => {
  const script = `
    import { invariant } from ${JSON.stringify(new URL('../src/index.js', import.meta.url).href)};
    try { invariant(false, 'a rule of ours'); } catch { /* as some library might */ }
    console.log('still alive');
  `;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(child.status, 1);
  assert.equal(child.stdout, '');
  assert.match(child.stderr, /a rule of ours/);
});

test('nor does a closed stderr keep it alive', async () => {
  const script = `
    import { invariant } from ${JSON.stringify(new URL('../src/index.js', import.meta.url).href)};
    process.stdin.once('data', () => {
      try { invariant(false, 'a rule of ours'); } catch { /* as some library might */ }
      process.exit(0);
    });
    console.log('ready');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await once(child.stdout, 'data');
  child.stderr.destroy();
  child.stdin.write('go');
  const [code] = await once(child, 'exit');
  assert.equal(code, 1);
});
