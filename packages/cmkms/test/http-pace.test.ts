/**
 * Who shares a rendering, and who waits for the next.
 *
 * Owns    both rules; time is the test's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Paced } from '../src/http/pace.js';

test('those who ask together share one rendering; who asks later gets a fresh one', async () => {
  const paced = new Paced(0);
  let made = 0;
  const make = (): Promise<string> => Promise.resolve(`text ${++made}`);
  const together = Array.from({ length: 10 }, () => paced.render(make));
  assert.deepEqual(new Set(await Promise.all(together)), new Set(['text 1']));
  assert.equal(await paced.render(make), 'text 2');
});

test('between two renderings lies the pause', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const paced = new Paced(100, () => now);
  let made = 0;
  const make = (): Promise<string> => Promise.resolve(`text ${++made}`);
  const pass = async (ms: number): Promise<void> => {
    now += ms;
    t.mock.timers.tick(ms);
    await Promise.resolve();
  };
  const first = paced.render(make);
  await pass(0);
  assert.equal(await first, 'text 1');
  const second = paced.render(make);
  await pass(99);
  assert.equal(made, 1);
  await pass(1);
  assert.equal(await second, 'text 2');
});

test('a rendering that fails fails for those who asked, and no longer', async () => {
  const paced = new Paced(0);
  await assert.rejects(
    paced.render(() => Promise.reject(new Error('gone'))),
    /gone/,
  );
  assert.equal(await paced.render(() => Promise.resolve('back')), 'back');
});
