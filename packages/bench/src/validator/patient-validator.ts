/**
 * A validator that asks all the time, whoever answers or not.
 *
 * Owns    which height comes next, and what an answer that is no signature means: the next one.
 */
import type { ValidatorSide } from './validator-side.js';

/** A node that was refused goes on, after a while. */
const REFUSED_PAUSE_MS = 20;
/** From a signature to the next request where there is something else to wait for: its processors are needed there. */
const PAUSE_MS = 100;
const GIVE_UP_MS = 300_000;

export interface SignedMeanwhile {
  /** When the first signature was there, as performance.now() tells it. */
  readonly firstAt: number;
  /** The longest that one took after it, refusals included. */
  readonly longestMs: number;
}

export class PatientValidator {
  readonly #validators: ValidatorSide;
  #next: bigint;

  /** @param next above all that was signed before */
  constructor(validators: ValidatorSide, next = 1n) {
    this.#validators = validators;
    this.#next = next;
  }

  /** @returns when the next signature was there, as performance.now() tells it @throws after five minutes, with why */
  async untilSigned(): Promise<number> {
    const started = performance.now();
    for (;;) {
      const refused = await this.#one();
      const now = performance.now();
      if (refused === null) return now;
      if (now - started > GIVE_UP_MS) throw new Error(`nothing was signed; at last: ${refused}`);
      await pause(REFUSED_PAUSE_MS);
    }
  }

  /** While `work` is done, and at least until something was signed. */
  async meanwhile(work: () => Promise<unknown>): Promise<SignedMeanwhile> {
    let over = false;
    const asking = async (): Promise<SignedMeanwhile> => {
      const firstAt = await this.untilSigned();
      let longestMs = 0;
      while (!over) {
        const asked = performance.now();
        longestMs = Math.max(longestMs, (await this.untilSigned()) - asked);
        await pause(PAUSE_MS);
      }
      return { firstAt, longestMs };
    };
    const working = work().finally(() => {
      over = true;
    });
    const [signed] = await Promise.all([asking(), working]);
    return signed;
  }

  /** @returns null: signed; else why not */
  async #one(): Promise<string | null> {
    const { refused } = await this.#validators.ask(0, this.#next, 'prevote');
    this.#next += 1n;
    return refused;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
