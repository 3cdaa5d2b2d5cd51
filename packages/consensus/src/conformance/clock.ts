/**
 * What every `Clock` must do, as tests that run on any of them.
 *
 * Owns    the examination of clock.ts: Node's own timers and a simulated process's event loop alike.
 * Never   asserts that something comes in time: only that it does not come early, and what comes before what.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../clock.js';

/** One process, as far as its clock goes. */
export interface ClockPlace {
  readonly clock: Clock;
  /** This sends itself something over a network: it arrives at once, and is handed over when its turn comes. */
  arrive(run: () => void): void;
  /** To be called in the process: it stands still for so long, and what falls due or arrives waits. */
  stall(ms: number): void;
  dispose(): Promise<void>;
  /** Where time passes only while something lets it: does so until `work` is done. */
  lettingTimePass?(work: Promise<void>): Promise<void>;
}

export interface ClockFactory {
  place(): Promise<ClockPlace>;
}

type Body = (place: ClockPlace) => Promise<void>;

type Begin = (clock: Clock, run: () => void) => void;

/** From an immediate Node goes on with timers, then what arrived, then immediates: all that follows is certain. */
const fromSoon: Begin = (clock, run) => clock.soon(run);
/** From a timer it may go on with what arrived. */
const fromTimer: Begin = (clock, run) => void clock.after(1, run);

/** In the process itself, as one callback. */
const within = (begin: Begin, { clock }: ClockPlace, run: () => void): Promise<void> =>
  new Promise((resolve) => {
    begin(clock, () => {
      run();
      resolve();
    });
  });

const passed = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(ms, resolve);
  });

/** Notes down what runs, until `count` things did. */
class Order {
  readonly seen: string[] = [];
  readonly all: Promise<void>;
  #resolve = (): void => {};

  constructor(readonly count: number) {
    this.all = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  note(what: string): () => void {
    return () => {
      this.seen.push(what);
      if (this.seen.length === this.count) this.#resolve();
    };
  }
}

const cases: readonly (readonly [says: string, body: Body])[] = [
  [
    'a timer does not run early, whatever its delay',
    async ({ clock }) => {
      const delays = [
        0,
        0.3,
        1,
        1.2,
        2.5,
        3,
        7.9,
        12,
        ...Array.from({ length: 40 }, (_, n) => n / 3),
      ];
      const runs = delays.map(
        (delayMs) =>
          new Promise<void>((resolve, reject) => {
            const dueMs = clock.nowMs() + delayMs;
            clock.after(delayMs, () => {
              // Sums of fractions are not exact to the last bit.
              const earlyMs = dueMs - clock.nowMs();
              if (earlyMs > 1e-6) reject(new Error(`${delayMs} ms: ${earlyMs} ms too early`));
              else resolve();
            });
          }),
      );
      await Promise.all(runs);
    },
  ],
  [
    'now never goes back, and goes on',
    async ({ clock }) => {
      let last = clock.nowMs();
      const first = last;
      for (let n = 0; n < 20; n += 1) {
        await passed(clock, 0.5);
        const now = clock.nowMs();
        assert.ok(now >= last, `${now} after ${last}`);
        last = now;
      }
      assert.ok(last > first);
    },
  ],
  [
    'after a stall the overdue timers run in the order of their times, then what arrived, then `soon`',
    async (place) => {
      const { clock } = place;
      const order = new Order(6);
      await within(fromSoon, place, () => {
        clock.after(6, order.note('timer 6'));
        clock.after(2, order.note('timer 2'));
        clock.after(4, () => {
          order.note('timer 4')();
          // As a replica's wake does: what arrived meanwhile comes first.
          clock.soon(order.note('soon of timer 4'));
        });
        place.arrive(order.note('arrival'));
        clock.soon(order.note('soon'));
        place.stall(15);
      });
      await order.all;
      const expected = ['timer 2', 'timer 4', 'timer 6', 'arrival', 'soon', 'soon of timer 4'];
      assert.deepEqual(order.seen, expected);
    },
  ],
  [
    'wherever it stood still, `soon` of an overdue timer has seen what had arrived',
    async (place) => {
      for (const begin of [fromSoon, fromTimer]) {
        const order = new Order(2);
        await within(begin, place, () => {
          place.clock.after(2, () => place.clock.soon(order.note('soon')));
          place.arrive(order.note('arrival'));
          place.stall(6);
        });
        await order.all;
        assert.deepEqual(order.seen, ['arrival', 'soon']);
      }
    },
  ],
  [
    'a promise that one timer settles is seen before the next timer, also after a stall',
    async (place) => {
      const { clock } = place;
      const order = new Order(4);
      await within(fromTimer, place, () => {
        for (const name of ['first', 'second']) {
          clock.after(2, () => {
            order.note(name)();
            void Promise.resolve().then(order.note(`after ${name}`));
          });
        }
        place.stall(5);
      });
      await order.all;
      assert.deepEqual(order.seen, ['first', 'after first', 'second', 'after second']);
    },
  ],
  [
    'a cancelled timer never runs; cancelling one that ran does nothing',
    async (place) => {
      const { clock } = place;
      const seen: string[] = [];
      const early = clock.after(1, () => seen.push('cancelled at once'));
      early();
      early();
      const ran = clock.after(1, () => seen.push('ran'));
      await passed(clock, 3);
      ran();
      await within(fromTimer, place, () => {
        // Both are overdue when the first one cancels the other.
        clock.after(1, () => {
          seen.push('the first');
          second();
        });
        const second = clock.after(2, () => seen.push('the second'));
        place.stall(6);
      });
      await passed(clock, 3);
      assert.deepEqual(seen, ['ran', 'the first']);
    },
  ],
  [
    '`soon` runs in the order in which it was asked, and after what asked',
    async ({ clock }) => {
      const order = new Order(5);
      clock.soon(() => {
        order.note('one')();
        clock.soon(order.note('of one'));
      });
      clock.soon(order.note('two'));
      clock.soon(order.note('three'));
      order.note('at once')();
      await order.all;
      assert.deepEqual(order.seen, ['at once', 'one', 'two', 'three', 'of one']);
    },
  ],
  [
    'a timer may be set within a timer: its delay counts from there',
    async (place) => {
      const { clock } = place;
      const tooEarly: number[] = [];
      await new Promise<void>((resolve) => {
        const again = (left: number): void => {
          if (left === 0) {
            resolve();
            return;
          }
          // Counts from after the stall, not from when the callback began.
          place.stall(2);
          const dueMs = clock.nowMs() + 2;
          clock.after(2, () => {
            const earlyMs = dueMs - clock.nowMs();
            if (earlyMs > 1e-6) tooEarly.push(earlyMs);
            again(left - 1);
          });
        };
        clock.after(1, () => again(5));
      });
      assert.deepEqual(tooEarly, []);
    },
  ],
  [
    'a delay beyond 2^31 ms, or a negative one, is what it says: far off, or at once',
    async ({ clock }) => {
      const seen: string[] = [];
      const far = [2 ** 31, 2 ** 32 + 1, 1e15].map((ms) => clock.after(ms, () => seen.push('far')));
      await new Promise<void>((resolve) => {
        clock.after(-5, resolve);
      });
      await passed(clock, 5);
      assert.deepEqual(seen, []);
      for (const cancel of far) cancel();
    },
  ],
];

/** Registers the suite under `name`. */
export function clockSuite(name: string, factory: ClockFactory): void {
  for (const [says, body] of cases) {
    test(`${name}: ${says}`, { timeout: 30_000 }, async () => {
      const place = await factory.place();
      const work = body(place).finally(() => place.dispose());
      await (place.lettingTimePass?.(work) ?? work);
    });
  }
}
