/**
 * A promise that was broken in the simulated world.
 *
 * Owns    what is told of it: which promise, and what was seen.
 */
export class Violation extends Error {
  override readonly name = 'Violation';

  /** @param promise  the invariant's own sentence */
  constructor(
    readonly promise: string,
    readonly saw: string,
  ) {
    super(`${promise}: ${saw}`);
  }
}
