/**
 * In the log's order, no grant is at or below an earlier one of its key and chain, or at or below a floor set before it.
 *
 * Source  docs/architecture.md, the promise and section 6. Judged by numbers, not by the code that decides.
 */
import { compareHrs, type RecordId } from '@cometkms/sign-state';
import { type Grant, positionOf } from '../product-truth.js';
import { Violation } from '../violation.js';

export class GrantsRise {
  readonly promise = 'no grant is at or below an earlier one in the log’s order';
  readonly #last = new Map<string, Grant>();

  granted(id: RecordId, name: string, grant: Grant): void {
    const last = this.#last.get(name);
    if (last !== undefined && compareHrs(grant.hrs, last.hrs) <= 0) {
      throw new Violation(
        this.promise,
        `${id.chainId}: ${positionOf(last.hrs)} at ${last.index}, then ${positionOf(grant.hrs)} at ${grant.index}`,
      );
    }
    this.#last.set(name, grant);
  }
}
