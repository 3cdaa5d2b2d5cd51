/**
 * For each (key, chain) and (height, round, step), one content is ever released by the whole cluster.
 *
 * Source  docs/architecture.md, the promise. Content is the sign bytes without their timestamp. What counts is what was
 *         signed, read from the signature itself. The table is kept for ever. What a plain node signed before its state
 *         file came into every home counts as well (second gates: a file ahead becomes a floor before the chain is
 *         served).
 */
import type { Position, RecordId } from '@cometkms/sign-state';
import type { Invariant, Release } from '../observations.js';
import { positionOf } from '../product-truth.js';
import { readSigned } from '../signed-bytes.js';
import { Violation } from '../violation.js';

export class OneContentPerPosition implements Invariant {
  readonly promise = 'one content per (key, chain, height, round, step) is released, for ever';
  readonly #released = new Map<string, { readonly content: string; readonly by: string }>();

  released({ at, chainId, key, signBytes }: Release): void {
    if (signBytes === null)
      throw new Violation(this.promise, `${at.replica} released no signature`);
    this.#signed(chainId, key, signBytes, at.replica);
  }

  signedElsewhere({ chainId, key }: RecordId, signBytes: Uint8Array): void {
    this.#signed(chainId, Buffer.from(key.bytes).toString('hex'), signBytes, 'a plain node');
  }

  isReleasedAt({ chainId, key }: RecordId, hrs: Position): boolean {
    return this.#released.has(placeOf(chainId, Buffer.from(key.bytes).toString('hex'), hrs));
  }

  #signed(chainId: string, key: string, signBytes: Uint8Array, by: string): void {
    const signed = readSigned(signBytes);
    if (signed === null) throw new Violation(this.promise, `${by} signed what is no vote`);
    const where = placeOf(chainId, key, signed.hrs);
    const known = this.#released.get(where);
    if (known === undefined) this.#released.set(where, { content: signed.content, by });
    else if (known.content !== signed.content) {
      throw new Violation(this.promise, `${where}: ${known.by} released one, ${by} another`);
    }
  }
}

const placeOf = (chainId: string, key: string, hrs: Position): string =>
  `${chainId} ${key.slice(0, 8)} ${positionOf(hrs)}`;
