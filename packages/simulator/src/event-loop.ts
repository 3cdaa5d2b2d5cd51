/**
 * The event loop of one simulated process: the edge that stands for its clock.
 *
 * Owns    when what was planned runs in this process, and that nothing does once it is dead.
 * Fault   The clock begins anywhere and runs at a rate of its own, which changes. The process stands still for any
 *         time (a garbage collection, SIGSTOP, a suspended machine): what falls due or arrives meanwhile waits. On
 *         waking Node runs the overdue timers first, in the order of their times, then hands over what has arrived,
 *         then runs immediates: so do we, all at one moment, as the clock of the process has leapt. The process dies
 *         at any call that leaves it, and between any two.
 * Never   lets a timer run before its time on the process's own clock.
 * Proof   consensus/conformance/clock.ts; test/event-loop.test.ts.
 */
import type { Clock } from '@cometkms/consensus';
import { arrivals, checks, type Phase, type Timeline, timers } from './timeline.js';

interface Waiting {
  readonly due: number;
  readonly phase: Phase;
  readonly order: number;
  run: (() => void) | null;
}

/** The wall clock at the beginning of the world; what it says has no effect but in messages. */
const wallAtStart = Date.UTC(2026, 0, 1);

/** From one turn of the loop to the next, where the first asked for it. */
const turnMs = 0.3;

/** Of the sums above; far below what any timer can tell. */
const roundingMs = 1e-6;

export class EventLoop implements Clock {
  /** Told before each callback of this process. */
  onCallback: () => void = () => {};
  readonly #timeline: Timeline;
  /** At `#since` of world time this process's clock said `#base`; it has run at `#rate` from there. */
  #since: number;
  #base: number;
  #rate = 1;
  #wallOffset = 0;
  #alive = true;
  #stalledUntil = Number.NEGATIVE_INFINITY;
  #waiting: Waiting[] = [];
  #order = 0;
  /** Of the callback that runs. */
  #phase: Phase = arrivals;

  /** @param startMs  what the monotonic clock says at first */
  constructor(timeline: Timeline, startMs: number) {
    this.#timeline = timeline;
    this.#since = timeline.now;
    this.#base = startMs;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get isStalled(): boolean {
    return this.#timeline.now < this.#stalledUntil;
  }

  // -------------------------------------------------------------------------------- clock

  nowMs(): number {
    return this.#base + (this.#timeline.now - this.#since) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(wallAtStart + this.#timeline.now + this.#wallOffset);
  }

  after(delayMs: number, run: () => void): () => void {
    // In whole milliseconds, as Node's timers are.
    const due = this.nowMs() + Math.ceil(Math.max(0, delayMs));
    let cancel = (): void => {};
    const set = (): void => {
      const early = due - this.nowMs();
      // The clock may have been slowed since.
      if (early > roundingMs) cancel = this.#plan(this.#worldTime(early), timers, set);
      else run();
    };
    cancel = this.#plan(this.#worldTime(due - this.nowMs()), timers, set);
    return () => cancel();
  }

  soon(run: () => void): void {
    // As Node does: what an immediate asks for runs after the next look at timers and sockets, and that is later.
    const inMs = this.#phase === checks ? turnMs : 0;
    this.#plan(this.#timeline.now + inMs, checks, run);
  }

  // ------------------------------------------------------------------------------ arrivals

  /** Something from network or disk reaches this process after `delayMs` of the world's time. */
  arrive(delayMs: number, run: () => void): void {
    this.#plan(this.#timeline.now + delayMs, arrivals, run);
  }

  /** When this much will have passed on the process's clock. */
  #worldTime(ms: number): number {
    return this.#timeline.now + ms / this.#rate;
  }

  // -------------------------------------------------------------------------------- faults

  setRate(rate: number): void {
    this.#base = this.nowMs();
    this.#since = this.#timeline.now;
    this.#rate = rate;
  }

  stepWall(ms: number): void {
    this.#wallOffset += ms;
  }

  stall(ms: number): void {
    const until = this.#timeline.now + ms;
    if (until <= this.#stalledUntil) return;
    this.#stalledUntil = until;
    // Before all else at that moment: what is due then is overdue like the rest.
    this.#timeline.plan(until, timers, () => this.#wake(until));
  }

  /** Nothing of this process runs any more. */
  die(): void {
    this.#alive = false;
    this.#waiting = [];
  }

  // ------------------------------------------------------------------------------- running

  #plan(at: number, phase: Phase, run: () => void): () => void {
    const waiting: Waiting = { due: at, phase, order: this.#order, run };
    this.#order += 1;
    const cancel = this.#timeline.plan(at, phase, () => this.#due(waiting));
    return () => {
      waiting.run = null;
      cancel();
    };
  }

  #due(waiting: Waiting): void {
    if (!this.#alive) return;
    if (this.isStalled) {
      this.#waiting.push(waiting);
      return;
    }
    const { run } = waiting;
    waiting.run = null;
    if (run === null) return;
    this.onCallback();
    this.#phase = waiting.phase;
    run();
    this.#phase = arrivals;
  }

  /** Each of what waited is an event of its own: promises that it settles are seen before the next. */
  #wake(until: number): void {
    if (!this.#alive || until < this.#stalledUntil) return;
    const overdue = this.#waiting;
    this.#waiting = [];
    overdue.sort((x, y) => x.phase - y.phase || x.due - y.due || x.order - y.order);
    for (const waiting of overdue) {
      this.#timeline.plan(this.#timeline.now, waiting.phase, () => this.#due(waiting));
    }
  }
}
