/**
 * What one fault cost a validator.
 *
 * Owns    the reading of the requests around it. Pure.
 * Never   counts time that lay before the fault.
 * Proof   test/interruption.test.ts.
 */
import type { Asked } from '../validator/busy-validator.js';

export interface Interruption {
  /**
   * The longest that the validator waited for a signature: from the fault, or from the request where that came
   * later. After a refusal it waits on, until the next signature.
   */
  readonly waitMs: number;
  /** Of the request that was waited for the longest. */
  readonly tries: number;
  /** Between two signatures that follow each other, of which the later one came after the fault. */
  readonly longestGapMs: number;
}

interface Wait {
  readonly waitMs: number;
  readonly gapMs: number;
  readonly tries: number;
}

/** @param asked in their order @throws where no signature came after the fault */
export function interruption(asked: readonly Asked[], faultAtMs: number): Interruption {
  const waits: Wait[] = [];
  let waitsFromMs: number | null = null;
  let signedAtMs: number | null = null;
  for (const { askedAtMs, answeredAtMs, refused, tries } of asked) {
    waitsFromMs ??= askedAtMs;
    if (refused !== null) continue;
    if (answeredAtMs > faultAtMs) {
      const waitMs = answeredAtMs - Math.max(waitsFromMs, faultAtMs);
      waits.push({ waitMs, gapMs: answeredAtMs - (signedAtMs ?? waitsFromMs), tries });
    }
    waitsFromMs = null;
    signedAtMs = answeredAtMs;
  }
  const [longest] = waits.toSorted((a, b) => b.waitMs - a.waitMs);
  if (longest === undefined) throw new Error('no signature came after the fault');
  return {
    waitMs: longest.waitMs,
    tries: longest.tries,
    longestGapMs: Math.max(...waits.map(({ gapMs }) => gapMs)),
  };
}
