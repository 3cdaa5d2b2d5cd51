/**
 * The order of signing: height, then round, then step.
 *
 * Owns    when one position is above, at or below another, and what counts as a position at all.
 * Never   looks at content: that two requests stand at one position says nothing about what they say.
 * Rule    CometBFT privval/file.go, `CheckHRS`.
 * Proof   test/hrs.test.ts.
 */
import type { Hrs, Position } from './types.js';

export const MAX_INT32 = 2 ** 31 - 1;
export const MAX_INT64 = 2n ** 63n - 1n;

/** @returns below zero where `a` comes first, 0 where they are the same place, above zero otherwise */
export function comparePosition(a: Position, b: Position): number {
  // A higher height outweighs any round, and a higher round any step: never compare a field before
  // the one above it is equal.
  if (a.height !== b.height) return a.height < b.height ? -1 : 1;
  if (a.round !== b.round) return a.round < b.round ? -1 : 1;
  return a.step - b.step;
}

/** As `comparePosition`, for places where something can be signed. */
export function compareHrs(a: Hrs, b: Hrs): number {
  return comparePosition(a, b);
}

/** Whether something can be signed there: heights are int64 from 1 on, rounds int32 from 0 on. */
export function isHrs(hrs: Position): hrs is Hrs {
  return (
    hrs.height >= 1n &&
    hrs.height <= MAX_INT64 &&
    Number.isInteger(hrs.round) &&
    hrs.round >= 0 &&
    hrs.round <= MAX_INT32 &&
    (hrs.step === 1 || hrs.step === 2 || hrs.step === 3)
  );
}

/** The last place of a height: a floor there is a floor over all of it. */
export function isWholeHeight(at: { readonly round: number; readonly step: number }): boolean {
  return at.round === MAX_INT32 && at.step === 3;
}

/** For messages: `7/0/prevote`. */
export function describePosition(position: Position): string {
  if (isWholeHeight(position)) return `height ${position.height}, all of it`;
  const step = ['none', 'proposal', 'prevote', 'precommit'][position.step] ?? `${position.step}`;
  return `${position.height}/${position.round}/${step}`;
}
