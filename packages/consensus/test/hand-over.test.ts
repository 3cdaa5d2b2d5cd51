/**
 * Whom leadership is given to, how long that is waited for, and how often an unfit leader tries.
 *
 * A real core, and links that the test cuts. The election timeout outlasts every test: what ends, ends for another
 * reason.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../src/clock.js';
import type { Input, MemberId } from '../src/core/index.js';
import { HandOver } from '../src/hand-over.js';
import { Bench, type BenchStart } from './core-bench.js';

const electionTimeoutMs = 1_000_000;

/** Time passes when the test says so. */
class HandClock implements Clock {
  #now = 0;
  #due: { readonly at: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#now;
  }
  after(delayMs: number, run: () => void): () => void {
    const one = { at: this.#now + delayMs, run };
    this.#due.push(one);
    return () => {
      this.#due = this.#due.filter((each) => each !== one);
    };
  }
  soon(run: () => void): void {
    this.after(0, run);
  }
  pass(ms: number): void {
    this.#now += ms;
    const over = this.#due.filter(({ at }) => at <= this.#now);
    this.#due = this.#due.filter(({ at }) => at > this.#now);
    for (const { run } of over) run();
  }
}

function setUp(start: BenchStart = {}) {
  const bench = new Bench(start).lead();
  const clock = new HandClock();
  bench.acknowledge('b', 1, 1);
  bench.acknowledge('c', 1, 2);
  const linked = new Set<MemberId>(['b', 'c']);
  /** Who was told to take over, in order. */
  const told: MemberId[] = [];
  let transfers = 0;
  const feed = (input: Input): void => {
    if (input.kind === 'transfer') transfers += 1;
    for (const output of bench.tell(input)) {
      if (output[0] === 'promise' && output[2].kind === 'timeoutNow') told.push(output[1]);
    }
    handOver.watch();
  };
  const handOver = new HandOver('a', electionTimeoutMs, clock, {
    core: () => bench.core,
    feed,
    nameOf: (id) => id,
    isUp: (peer) => linked.has(peer),
    inFlightMs: () => 0,
    handedOver: () => undefined,
  });
  const cut = (peer: MemberId): void => {
    linked.delete(peer);
    feed({ kind: 'link', peer, state: 'closed' });
  };
  return { bench, clock, handOver, told, cut, transfers: () => transfers };
}

const nobody = { code: 'CONSENSUS_NOT_LEADER' };

test('nobody is waited for where nobody is linked', async () => {
  const { handOver, cut } = setUp();
  cut('b');
  cut('c');
  await assert.rejects(handOver.transfer(null), nobody);
});

test('a successor that goes away is followed by the next, and the last by nobody', async () => {
  const { handOver, told, cut } = setUp();
  const transfer = assert.rejects(handOver.transfer(null), nobody);
  assert.equal(told.length, 1);
  const [first] = told;
  assert.ok(first !== undefined);
  cut(first);
  assert.deepEqual([...told].sort(), ['b', 'c']);
  cut(first === 'b' ? 'c' : 'b');
  await transfer;
});

test('a node that has ended waits for nobody', async () => {
  const { handOver } = setUp();
  handOver.end();
  await assert.rejects(handOver.transfer(null), nobody);
});

test('one that was named is not replaced by another', async () => {
  const { handOver, told, cut } = setUp();
  const transfer = assert.rejects(handOver.transfer('c'), nobody);
  cut('c');
  await transfer;
  assert.deepEqual(told, ['c']);
});

test('who takes it over ends the waiting, and names the successor', async () => {
  const { handOver } = setUp();
  const transfer = handOver.transfer(null);
  handOver.leaderChanged('a');
  handOver.leaderChanged(null);
  handOver.leaderChanged('c');
  assert.equal(await transfer, 'c');
});

test('whom nobody took it from in time does not ask again at once', async () => {
  const { clock, handOver } = setUp();
  assert.ok(handOver.hasSuccessor());
  const transfer = assert.rejects(handOver.transfer(null), nobody);
  clock.pass(2 * electionTimeoutMs);
  await transfer;
  assert.equal(handOver.hasSuccessor(), false);
});

test('an unfit leader hands over at once, then ever more rarely; after a long rest as at first', () => {
  const { handOver, transfers } = setUp();
  handOver.watch(0);
  assert.equal(transfers(), 0);
  handOver.setUnfit('a key fails');
  const at: number[] = [];
  for (let now = 0; now <= 80_000; now += 100) {
    const before = transfers();
    handOver.watch(now);
    if (transfers() > before) at.push(now);
  }
  assert.deepEqual(at, [0, 5_000, 15_000, 35_000, 75_000]);
  const before = transfers();
  handOver.watch(1_000_000);
  handOver.watch(1_005_000);
  assert.equal(transfers(), before + 2);
  handOver.setUnfit(null);
  handOver.watch(2_000_000);
  assert.equal(transfers(), before + 2);
  handOver.end();
});

test('a witness that leads hands over as soon as one with a key holds what is committed', () => {
  const { bench, clock, handOver, told, transfers } = setUp({ witnesses: 'ab' });
  bench.propose(1, 'x');
  bench.durable();
  bench.acknowledge('b', 2, 4);
  handOver.watch();
  assert.equal(transfers(), 0, 'committed by two witnesses: c lacks it');
  bench.acknowledge('c', 2, 5);
  handOver.watch();
  assert.deepEqual([transfers(), told], [1, ['c']]);
  handOver.watch();
  assert.equal(transfers(), 1, 'it was asked a moment ago');
  // And not ever more rarely, as one that is merely unfit.
  for (const again of [2, 3, 4]) {
    clock.pass(2 * electionTimeoutMs);
    handOver.watch();
    assert.equal(transfers(), again);
  }
});

test('a witness keeps what only it and other witnesses could take', () => {
  const { bench, cut, handOver, transfers } = setUp({ witnesses: 'ab' });
  cut('c');
  bench.tell({ kind: 'link', peer: 'c', state: 'closed' });
  handOver.watch();
  assert.equal(transfers(), 0);
});
