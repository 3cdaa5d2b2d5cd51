/**
 * A gate on a bench: the reference store and a real watermark file behind handles that a test can hold back.
 *
 * Owns    the holding: a call that is held is answered when the test says so, and how.
 * Never   answers by itself what it was told to hold.
 */
import { join } from 'node:path';
import type { RecordId, Reserve, Verdict } from '@cometkms/sign-state';
import {
  type Committed,
  Gate,
  type GateAlarm,
  type GateOptions,
  MemoryCluster,
  openWatermark,
  type ReservationStore,
  type SignerError,
  type SignOutcome,
  type Watermark,
  type WatermarkFile,
  type WatermarkVerdict,
} from '../src/index.js';
import { ManualClock } from './manual-clock.js';
import { inTemporaryDirectory } from './temporary.js';
import { id, key, limits, request } from './worlds.js';

type Asked = Omit<Reserve, 'kind'>;

/** A call that waits for the test. */
export interface Held<A, R> {
  readonly asked: A;
  readonly answer: (result: R) => void;
  readonly fail: (error: Error) => void;
}

export class Bench {
  readonly cluster = new MemoryCluster();
  readonly clock = new ManualClock();
  readonly calls: string[] = [];
  readonly fatals: SignerError[] = [];
  readonly alarms: GateAlarm[] = [];
  readonly observed: SignOutcome[] = [];
  holdsReservations = false;
  holdsMarks = false;
  readonly reservations: Held<Asked, Committed<Verdict>>[] = [];
  readonly marks: Held<null, WatermarkVerdict>[] = [];
  readonly gate: Gate;

  private constructor(
    readonly watermark: WatermarkFile,
    options: Partial<GateOptions>,
  ) {
    const replica = this.cluster.replica('a');
    this.gate = new Gate({
      id,
      replica: 'a',
      store: this.#store(),
      leadership: replica,
      key,
      watermark: this.#mark(),
      fatal: (error) => this.fatals.push(error),
      clock: this.clock,
      observer: {
        answered: (_request, outcome) => this.observed.push(outcome),
        alarm: (alarm) => this.alarms.push(alarm),
      },
      ...options,
    });
  }

  static async run(
    use: (bench: Bench) => Promise<void>,
    options: Partial<GateOptions> = {},
  ): Promise<void> {
    await inTemporaryDirectory(async (dir) => {
      const opened = await openWatermark(join(dir, 'watermark'), id);
      if (opened.kind !== 'lost') throw new Error('the directory is not fresh');
      const bench = new Bench(await opened.rebuild(null), options);
      bench.cluster.elect('a');
      await bench.cluster.replica('a').registerChain(id, { kind: 'neverSigned' }, limits);
      try {
        await use(bench);
      } finally {
        await bench.watermark.close();
      }
    });
  }

  /** Asks for a vote or proposal, with a deadline in two seconds of the manual clock. */
  ask(...args: Parameters<typeof request>): Promise<SignOutcome> {
    return this.gate.sign(request(...args), this.clock.nowMs() + 2000);
  }

  /** Until everything that can go on without the test has gone on. */
  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  #store(): ReservationStore {
    const real = this.cluster.replica('a');
    return {
      reserve: (asked) => {
        this.calls.push(`reserve ${asked.hrs.height}`);
        return this.holdsReservations ? hold(this.reservations, asked) : real.reserve(asked);
      },
      read: (of: RecordId) => real.read(of),
      registerChain: (...args) => real.registerChain(...args),
      raiseFloor: (...args) => real.raiseFloor(...args),
      setLimits: (...args) => real.setLimits(...args),
      setHaltHeight: (...args) => real.setHaltHeight(...args),
      retire: (...args) => real.retire(...args),
    };
  }

  #mark(): Watermark {
    return {
      raise: async (hrs, content) => {
        this.calls.push(`mark ${hrs.height}`);
        if (this.holdsMarks) return hold(this.marks, null);
        return this.watermark.raise(hrs, content);
      },
      current: () => this.watermark.current(),
    };
  }
}

function hold<A, R>(list: Held<A, R>[], asked: A): Promise<R> {
  return new Promise((answer, fail) => {
    list.push({ asked, answer, fail });
  });
}
