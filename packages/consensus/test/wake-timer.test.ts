/** A late wake comes after what waited in the sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../src/clock.js';
import { WakeTimer } from '../src/wake-timer.js';

/** Nothing runs meanwhile, as when the process is stopped or the machine is too busy. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('after a stall, data that already waits is read before the overdue wake', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  const near = connect(bound.port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  const order: string[] = [];
  const woken = new Promise<void>((resolve) => {
    const timer = new WakeTimer(systemClock, () => {
      order.push('wake');
      timer.stop();
      resolve();
    });
    near.on('data', () => order.push('data'));
    far.write('a heartbeat');
    timer.arm(performance.now() + 5);
    standStill(50);
  });
  await woken;
  assert.deepEqual(order, ['data', 'wake']);
});

test('what was read meanwhile may move the deadline: then it is not woken', async () => {
  let wakes = 0;
  const timer = new WakeTimer(systemClock, () => {
    wakes += 1;
  });
  timer.arm(performance.now() + 5);
  const read = new Promise((resolve) => setTimeout(resolve, 5));
  // Both are overdue then: `read` comes after the timer asked for its immediate, and before that.
  standStill(50);
  await read;
  timer.arm(performance.now() + 60_000);
  // The timer's immediate was asked for first, so it has run before this one.
  await new Promise((resolve) => setImmediate(resolve));
  timer.stop();
  assert.equal(wakes, 0);
});

test('it wakes at its deadline, never before, and not after stop', async () => {
  const at = performance.now() + 20;
  const early = await new Promise<number>((resolve) => {
    new WakeTimer(systemClock, () => resolve(performance.now() - at)).arm(at);
  });
  assert.ok(early >= 0, `${-early} ms too early`);
  let woken = false;
  const stopped = new WakeTimer(systemClock, () => {
    woken = true;
  });
  stopped.arm(performance.now());
  stopped.stop();
  stopped.arm(performance.now());
  // Armed last for the same moment, another one wakes last.
  await new Promise<void>((resolve) => new WakeTimer(systemClock, resolve).arm(performance.now()));
  assert.equal(woken, false);
});

test('a deadline that moves away sets no timer anew; one that comes closer does', async () => {
  const sets: number[] = [];
  let nowMs = 0;
  let due = (): void => undefined;
  const clock = {
    nowMs: () => nowMs,
    after: (delayMs: number, run: () => void) => {
      sets.push(nowMs + delayMs);
      due = run;
      return () => undefined;
    },
    soon: (run: () => void) => run(),
  };
  let wokenAt = -1;
  const timer = new WakeTimer(clock, () => {
    wokenAt = nowMs;
  });
  timer.arm(100);
  for (let at = 101; at <= 150; at += 1) timer.arm(at);
  assert.deepEqual(sets, [100]);
  nowMs = 100;
  due();
  assert.deepEqual(sets, [100, 150]);
  assert.equal(wokenAt, -1, 'the deadline is 150 by now');
  timer.arm(120);
  assert.deepEqual(sets, [100, 150, 120]);
  nowMs = 120;
  due();
  assert.equal(wokenAt, 120);
});

test('a stall right after a timer that came too early: the sockets are read once more', () => {
  let nowMs = 0;
  let due = (): void => undefined;
  const soon: (() => void)[] = [];
  let wakes = 0;
  const clock = {
    nowMs: () => nowMs,
    after: (_delayMs: number, run: () => void) => {
      due = run;
      return () => undefined;
    },
    soon: (run: () => void) => soon.push(run),
  };
  const timer = new WakeTimer(clock, () => {
    wakes += 1;
  });
  timer.arm(100);
  timer.arm(200);
  nowMs = 100;
  due();
  // In the same turn of the loop, past the deadline: what came meanwhile was not read yet.
  nowMs = 210;
  for (const run of soon.splice(0)) run();
  assert.equal(wakes, 0);
  due();
  for (const run of soon.splice(0)) run();
  assert.equal(wakes, 1);
});
