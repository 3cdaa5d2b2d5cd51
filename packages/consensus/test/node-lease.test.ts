/** What a node tells of its lease, where only time has changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '../src/index.js';
import { until } from './node-world.js';
import { Scene } from './puppet-peers.js';

const timers = { heartbeatIntervalMs: 50, electionTimeoutMs: 400, leaseMs: 350 };

/** The system's until it is held; from then on time passes, and timers run, when the test says so. */
class HeldClock implements Clock {
  #heldAt: number | null = null;
  #due: { readonly at: number; readonly run: () => void }[] = [];

  hold(): void {
    this.#heldAt = systemClock.nowMs();
  }
  /** What waits runs now: a stop may wait for it. */
  release(): void {
    this.#heldAt = null;
    for (const { run } of this.#due.splice(0)) run();
  }
  pass(ms: number): void {
    assert.ok(this.#heldAt !== null);
    this.#heldAt += ms;
  }
  runDue(): void {
    const over = this.#due.filter(({ at }) => at <= this.nowMs());
    this.#due = this.#due.filter(({ at }) => at > this.nowMs());
    for (const { run } of over) run();
  }

  nowMs(): number {
    return this.#heldAt ?? systemClock.nowMs();
  }
  after(delayMs: number, run: () => void): () => void {
    if (this.#heldAt === null) return systemClock.after(delayMs, run);
    const one = { at: this.#heldAt + delayMs, run };
    this.#due.push(one);
    return () => {
      this.#due = this.#due.filter((each) => each !== one);
    };
  }
  soon(run: () => void): void {
    systemClock.soon(run);
  }
}

test('a lease that runs out between two steps is told, though the next step renews it', async (t) => {
  const clock = new HeldClock();
  // Before the scene is cleared away.
  t.after(() => clock.release());
  const scene = await Scene.set(t);
  const node = await scene.leading(scene.b, { timers, clock });
  // The answers that the node has are to what it sent by now. This beat is sent later, and answered later still.
  clock.hold();
  await scene.takenIn(node, scene.b);
  const told: boolean[] = [];
  node.on('serving', (serving) => told.push(serving));
  scene.b.votes = false;
  const heard = scene.b.messages().length;
  clock.pass(timers.heartbeatIntervalMs);
  await until('the next beat', () => {
    clock.runDue();
    return scene.b.messages()[heard];
  });
  assert.equal(node.mayServe(), true);
  clock.pass(timers.leaseMs - timers.heartbeatIntervalMs / 2);
  assert.equal(node.mayServe(), false, 'it has run out, and nothing was stepped');
  scene.b.answer(scene.b.messages().at(-1) ?? assert.fail());
  await until('it serves again', () => told.includes(true) || undefined);
  assert.deepEqual(told, [false, true]);
});
