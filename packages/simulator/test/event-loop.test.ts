/** One process's clock: the suite of all clocks, at several rates; then what only a simulated one can do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClockPlace, clockSuite } from '@cometkms/consensus/conformance';
import { EventLoop } from '../src/event-loop.js';
import { Timeline } from '../src/timeline.js';
import { lettingTimePass } from './network-place.js';

for (const rate of [1, 0.7, 1.3]) {
  clockSuite(`simulated clock at rate ${rate}`, {
    place: async (): Promise<ClockPlace> => {
      const timeline = new Timeline();
      const loop = new EventLoop(timeline, 123_456.789);
      loop.setRate(rate);
      return {
        clock: loop,
        arrive: (run) => loop.arrive(0, run),
        stall: (ms) => loop.stall(ms / rate),
        dispose: async () => loop.die(),
        lettingTimePass: (work) => lettingTimePass(timeline, work),
      };
    },
  });
}

const forEver = (): boolean => false;

test('two processes at different rates: each waits by its own clock', async () => {
  const timeline = new Timeline();
  const [slow, fast] = [new EventLoop(timeline, 0), new EventLoop(timeline, 5_000)];
  slow.setRate(0.5);
  fast.setRate(2);
  const at = { slow: [0, 0], fast: [0, 0] };
  slow.after(100, () => {
    at.slow = [timeline.now, slow.nowMs()];
  });
  fast.after(100, () => {
    at.fast = [timeline.now, fast.nowMs()];
  });
  await timeline.run(forEver);
  assert.deepEqual(at, { slow: [200, 100], fast: [50, 5_100] });
});

test('a clock that is slowed or hastened while a timer waits: not early on its own clock', async () => {
  for (const [first, then] of [
    [2, 0.25],
    [0.25, 2],
  ] as const) {
    const timeline = new Timeline();
    const loop = new EventLoop(timeline, 0);
    loop.setRate(first);
    let said = -1;
    loop.after(100, () => {
      said = loop.nowMs();
    });
    timeline.plan(10, 0, () => {
      const before = loop.nowMs();
      loop.setRate(then);
      assert.equal(loop.nowMs(), before, 'a change of rate is no leap');
    });
    await timeline.run(forEver);
    assert.ok(said >= 100 - 1e-6, `at ${said}`);
  }
});

test('a stall holds everything, and ends in the order of Node: timers, arrivals, immediates', async () => {
  const timeline = new Timeline();
  const loop = new EventLoop(timeline, 0);
  const other = new EventLoop(timeline, 0);
  const seen: string[] = [];
  const note = (what: string) => () => seen.push(`${timeline.now} ${what}`);
  loop.stall(50);
  assert.ok(loop.isStalled);
  loop.soon(note('soon'));
  loop.arrive(10, note('arrival 10'));
  loop.arrive(5, note('arrival 5'));
  loop.after(30, note('timer 30'));
  loop.after(20, () => {
    note('timer 20')();
    loop.soon(note('soon of timer 20'));
  });
  loop.after(60, note('timer 60'));
  other.after(25, note('another process'));
  // A shorter stall within it does not end it sooner; a longer one holds on.
  timeline.plan(1, 0, () => loop.stall(5));
  timeline.plan(40, 0, () => loop.stall(15));
  await timeline.run(forEver);
  assert.deepEqual(seen, [
    '25 another process',
    '55 timer 20',
    '55 timer 30',
    '55 arrival 5',
    '55 arrival 10',
    '55 soon',
    '55 soon of timer 20',
    '60 timer 60',
  ]);
  assert.equal(loop.isStalled, false);
});

test('a process that stands still again right after waking holds what has not run', async () => {
  const timeline = new Timeline();
  const loop = new EventLoop(timeline, 0);
  const seen: string[] = [];
  loop.after(1, () => {
    seen.push(`${timeline.now} first`);
    loop.stall(100);
  });
  loop.after(2, () => seen.push(`${timeline.now} second`));
  loop.arrive(3, () => seen.push(`${timeline.now} arrival`));
  loop.stall(10);
  await timeline.run(forEver);
  assert.deepEqual(seen, ['10 first', '110 second', '110 arrival']);
});

test('nothing of a dead process runs: not what waits, not what comes, not what a stall held', async () => {
  const timeline = new Timeline();
  const seen: string[] = [];
  const processes = [0, 1].map(() => new EventLoop(timeline, 0));
  for (const [n, loop] of processes.entries()) {
    loop.after(10, () => seen.push(`timer of ${n}`));
    loop.arrive(12, () => seen.push(`arrival of ${n}`));
    loop.soon(() => seen.push(`soon of ${n}`));
    loop.after(3, () => loop.stall(20));
  }
  const [dies] = processes;
  timeline.plan(15, 0, () => dies?.die());
  timeline.plan(16, 0, () => dies?.after(1, () => seen.push('after death')));
  await timeline.run(forEver);
  assert.equal(dies?.alive, false);
  assert.deepEqual(seen, ['soon of 0', 'soon of 1', 'timer of 1', 'arrival of 1']);
});

test('the wall clock leaps, and no timer with it', async () => {
  const timeline = new Timeline();
  const loop = new EventLoop(timeline, 0);
  const wall = loop.wallMs();
  let at = -1;
  loop.after(10, () => {
    at = timeline.now;
  });
  loop.stepWall(-3_600_000);
  assert.equal(loop.wallMs(), wall - 3_600_000);
  assert.equal(loop.nowMs(), 0);
  await timeline.run(forEver);
  assert.equal(at, 10);
});

test('what an immediate asks for comes in a later turn: what arrives in between is seen first', async () => {
  const timeline = new Timeline();
  const loop = new EventLoop(timeline, 0);
  const seen: string[] = [];
  loop.soon(() => {
    seen.push('immediate');
    loop.soon(() => seen.push('its immediate'));
  });
  loop.arrive(0.1, () => seen.push('arrival'));
  await timeline.run(forEver);
  assert.deepEqual(seen, ['immediate', 'arrival', 'its immediate']);
});
