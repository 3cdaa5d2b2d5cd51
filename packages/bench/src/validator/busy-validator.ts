/**
 * A validator that asks for one signature after the other, without a pause, until it is stopped.
 *
 * Owns    the heights, and when each request was made and answered.
 * Never   asks for a height twice.
 */
import { steps, type ValidatorSide } from './validator-side.js';

/** One request and its answer, on the monotonic clock of this process. */
export interface Asked {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  /** Null: signed. */
  readonly refused: string | null;
  /** 1 where nothing went wrong, or where the side cannot tell. */
  readonly tries: number;
}

interface Awaited {
  readonly fromMs: number;
  missing: number;
  readonly resolve: () => void;
}

interface Hold {
  readonly reached: () => void;
  readonly released: Promise<void>;
}

export class BusyValidator {
  readonly #validators: ValidatorSide;
  #next = 1n;
  #asked: Asked[] = [];
  #awaited: readonly Awaited[] = [];
  /** Asked for, and not reached yet. */
  #hold: Hold | null = null;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(validators: ValidatorSide) {
    this.#validators = validators;
  }

  /** Once. */
  start(): void {
    this.#running = this.#run();
    // Whoever waits for signatures or for the end is told.
    this.#running.catch(() => 'told there');
  }

  /** Until so many were signed that were asked for after this call. @throws what ended the asking */
  async signs(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      const awaited = { fromMs: performance.now(), missing: count, resolve };
      this.#awaited = [...this.#awaited, awaited];
    });
    await Promise.race([enough, this.#ended()]);
  }

  /** Between two requests: none is under way, and none is made until the function that this gives is called. */
  async hold(): Promise<() => void> {
    const reached = new Promise<() => void>((resolve) => {
      let release = (): void => {};
      const released = new Promise<void>((over) => {
        release = over;
      });
      this.#hold = { reached: () => resolve(release), released };
    });
    return await Promise.race([reached, this.#ended()]);
  }

  /** What was answered since the last call. */
  take(): readonly Asked[] {
    const taken = this.#asked;
    this.#asked = [];
    return taken;
  }

  /** After the height that it is at. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #ended(): Promise<never> {
    await this.#running;
    throw new Error('nobody asks any more');
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const height = this.#next;
      this.#next += 1n;
      for (const step of steps) {
        const held = this.#hold;
        if (held !== null) {
          this.#hold = null;
          held.reached();
          await held.released;
        }
        const askedAtMs = performance.now();
        const { refused, tries = 1 } = await this.#validators.ask(0, height, step);
        const answeredAtMs = performance.now();
        this.#asked.push({ askedAtMs, answeredAtMs, refused, tries });
        if (refused === null) this.#count(askedAtMs);
      }
    }
  }

  #count(askedAtMs: number): void {
    for (const awaited of this.#awaited) {
      if (askedAtMs < awaited.fromMs) continue;
      awaited.missing -= 1;
      if (awaited.missing === 0) awaited.resolve();
    }
    this.#awaited = this.#awaited.filter(({ missing }) => missing > 0);
  }
}
