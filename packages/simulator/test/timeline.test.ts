/** Time goes forward, one event at a time, in an order that nothing but the plan decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../src/random.js';
import { arrivals, checks, type Phase, Timeline, timers } from '../src/timeline.js';

const forEver = (): boolean => false;

test('events happen by time, then by phase, then as they were planned: any plan, against a sort', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = new Random(seed);
    const timeline = new Timeline();
    const planned: { at: number; phase: Phase; order: number }[] = [];
    const happened: typeof planned = [];
    const plan = (at: number): void => {
      const one = { at, phase: random.pick([timers, arrivals, checks]), order: planned.length };
      planned.push(one);
      timeline.plan(one.at, one.phase, () => {
        assert.equal(timeline.now, one.at);
        happened.push(one);
      });
    };
    // Few moments, so that many share one.
    for (let n = 0; n < 300; n += 1) plan(random.between(0, 20));
    await timeline.run(forEver);
    assert.equal(timeline.count, 300);
    const expected = [...planned].sort(
      (x, y) => x.at - y.at || x.phase - y.phase || x.order - y.order,
    );
    assert.deepEqual(happened, expected);
  }
});

test('an event for the past happens now: time never goes back', async () => {
  const timeline = new Timeline();
  const times: number[] = [];
  timeline.plan(10, timers, () => {
    timeline.plan(3, timers, () => times.push(timeline.now));
  });
  await timeline.run(forEver);
  assert.deepEqual(times, [10]);
});

test('what was cancelled does not happen, however often it was cancelled, and the rest does', async () => {
  const timeline = new Timeline();
  const random = new Random(4);
  const happened: number[] = [];
  const expected: number[] = [];
  // Many more than are kept: the heap is swept on the way, more than once.
  for (let n = 0; n < 5_000; n += 1) {
    const cancel = timeline.plan(n, timers, () => happened.push(n));
    if (random.chance(0.9)) {
      cancel();
      cancel();
    } else expected.push(n);
  }
  await timeline.run(forEver);
  assert.deepEqual(happened, expected);
});

test('cancelling what has happened changes nothing', async () => {
  const timeline = new Timeline();
  const happened: string[] = [];
  const cancel = timeline.plan(1, timers, () => happened.push('one'));
  for (let n = 0; n < 200; n += 1) timeline.plan(2, timers, () => cancel());
  timeline.plan(3, timers, () => happened.push('two'));
  await timeline.run(forEver);
  assert.deepEqual(happened, ['one', 'two']);
});

test('all that an event set going in promises is over before the next, also of one moment', async () => {
  const timeline = new Timeline();
  const happened: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let n = 0; n < 100; n += 1) await null;
    happened.push(`${name} is over`);
  };
  for (const name of ['one', 'two', 'three']) {
    timeline.plan(5, timers, () => {
      happened.push(name);
      void chain(name);
    });
  }
  await timeline.run(forEver);
  const all = ['one', 'two', 'three'].flatMap((name) => [name, `${name} is over`]);
  assert.deepEqual(happened, all);
});

test('it runs until it is told, or until nothing is left; and hands on what an event throws', async () => {
  const timeline = new Timeline();
  let count = 0;
  for (let n = 0; n < 10; n += 1) {
    timeline.plan(n, timers, () => {
      count += 1;
    });
  }
  await timeline.run(() => count === 4);
  assert.deepEqual([count, timeline.now], [4, 3]);
  await timeline.run(forEver);
  assert.equal(count, 10);
  assert.equal(timeline.step(), false);
  timeline.plan(20, timers, () => {
    throw new Error('of an event');
  });
  await assert.rejects(timeline.run(forEver), /of an event/);
});
