/**
 * The arithmetic of majorities.
 *
 * Owns    how many are enough, which value a majority has reached, and the count of votes.
 * Never   knows who votes (membership.ts), or keeps state beyond one tally.
 * Rule    Ongaro's dissertation, 3.4 and 3.5.
 * Proof   test/core-quorum.test.ts, against naive twins.
 */
import type { MemberId } from './types.js';

export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * The highest value that a majority has reached, given each voter's own. With match indexes it is
 * the index that a quorum stores; with times, the moment until which a quorum was heard.
 */
export function reachedByMajority(values: readonly number[]): number {
  const enough = majority(values.length);
  let reached = Number.NEGATIVE_INFINITY;
  // Asked for several times in each step, of a handful of values: counting makes no garbage, sorting does.
  for (const value of values) {
    if (value <= reached) continue;
    let atOrAbove = 0;
    for (const other of values) if (other >= value) atOrAbove += 1;
    if (atOrAbove >= enough) reached = value;
  }
  return reached;
}

export type TallyOutcome = 'won' | 'lost' | 'open';

/** One attempt's votes; each attempt gets its own, so old answers are forgotten (rule 30). */
export class Tally {
  readonly #votes = new Map<MemberId, boolean>();

  /** A voter counts once, by its first answer, however often it arrives (rule 6). */
  record(voter: MemberId, granted: boolean): void {
    if (!this.#votes.has(voter)) this.#votes.set(voter, granted);
  }

  has(voter: MemberId): boolean {
    return this.#votes.has(voter);
  }

  granted(voter: MemberId): boolean {
    return this.#votes.get(voter) === true;
  }

  /** Only the answers of these voters count (rule 6). */
  outcome(voters: readonly MemberId[]): TallyOutcome {
    let granted = 0;
    let refused = 0;
    for (const voter of voters) {
      const vote = this.#votes.get(voter);
      if (vote === true) granted += 1;
      if (vote === false) refused += 1;
    }
    const enough = majority(voters.length);
    if (granted >= enough) return 'won';
    return refused > voters.length - enough ? 'lost' : 'open';
  }
}
