/**
 * Mutants that no test can kill, and why. The mutation run fails over one that is not here, and over one
 * that is here and does not survive.
 *
 * Owns    the reasons.
 * Never   excuses a missing test: a mutant stands here because the program does the same with it.
 */
export interface Explained {
  readonly file: string;
  /** The line of the source on which the mutant begins, without its indentation. */
  readonly line: string;
  /** What is replaced, on one line, and by what. */
  readonly from: string;
  readonly to: readonly string[];
  readonly why: string;
}

export const explained: readonly Explained[] = [];
