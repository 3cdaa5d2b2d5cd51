/**
 * In the log's order, no grant is at or below an earlier one of its key and chain.
 *
 * Source  docs/architecture.md, the promise. Judged by numbers, not by the code that decides.
 */
import type { RecordId } from '@cometkms/sign-state';
import { type Grant, positionOf } from '../product-truth.js';
import { isAbove } from '../reference-verdicts.js';
import { Violation } from '../violation.js';

export class GrantsRise {
  readonly promise = 'no grant is at or below an earlier one in the log’s order';
  readonly #last = new Map<string, Grant>();

  granted(id: RecordId, name: string, grant: Grant): void {
    const last = this.#last.get(name);
    if (last !== undefined && !isAbove(grant.hrs, last.hrs)) {
      throw new Violation(
        this.promise,
        `${id.chainId}: ${positionOf(last.hrs)} at ${last.index}, then ${positionOf(grant.hrs)} at ${grant.index}`,
      );
    }
    this.#last.set(name, grant);
  }
}
