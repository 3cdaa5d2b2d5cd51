/**
 * For each key and chain, at most one content is ever released at a (height, round, step), by anybody.
 *
 * Source  docs/architecture.md, the promise. Content is the sign bytes without their timestamp. What counts is what was
 *         signed, read from the signature itself. The table is kept for ever.
 */
import { readSignBytes } from '@cometkms/sign-state';
import type { Invariant, Release } from '../observations.js';
import { positionOf } from '../product-truth.js';
import { Violation } from '../violation.js';

export class OneContentPerPosition implements Invariant {
  readonly promise = 'one content per (key, chain, height, round, step) is released, for ever';
  readonly #released = new Map<string, { readonly content: string; readonly by: string }>();

  released({ at, chainId, key, signBytes }: Release): void {
    if (signBytes === null)
      throw new Violation(this.promise, `${at.replica} released no signature`);
    const { content, hrs } = readSignBytes(signBytes);
    const where = `${chainId} ${key.slice(0, 8)} ${positionOf(hrs)}`;
    const said = Buffer.from(content).toString('hex');
    const known = this.#released.get(where);
    if (known === undefined) this.#released.set(where, { content: said, by: at.replica });
    else if (known.content !== said) {
      throw new Violation(
        this.promise,
        `${where}: ${known.by} released one, ${at.replica} another`,
      );
    }
  }
}
