/**
 * Replicas that have applied as much are in the same state.
 *
 * Source  rules 47 and 54; Raft paper, figure 3 (state machine safety). Compared by hash, now and then and at the end.
 */
import { Violation } from '../violation.js';

export class SameState {
  readonly promise = 'replicas that applied as much are in the same state';
  readonly #hashes = new Map<number, { readonly hash: string; readonly by: string }>();

  looked(replica: string, applied: number, hash: string): void {
    const known = this.#hashes.get(applied);
    if (known === undefined) this.#hashes.set(applied, { hash, by: replica });
    else if (known.hash !== hash) {
      throw new Violation(this.promise, `at ${applied} ${replica} differs from ${known.by}`);
    }
  }
}
