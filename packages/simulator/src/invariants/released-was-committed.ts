/**
 * What is released was granted by a committed entry, to the byte; and it answers the request that it was given for.
 *
 * Source  docs/architecture.md, the road of one signature: the signer signs the bytes that the verdict carries, and a late
 *         answer is never written to another request.
 */
import { type RecordId, readSignBytes } from '@cometkms/sign-state';
import type { Invariant, Release } from '../observations.js';
import { type ProductTruth, positionOf } from '../product-truth.js';
import { Violation } from '../violation.js';

export class ReleasedWasCommitted implements Invariant {
  readonly promise =
    'what was released was committed before, to the byte, and answers its own request';
  readonly #truth: ProductTruth;

  constructor(truth: ProductTruth) {
    this.#truth = truth;
  }

  released({ at, chainId, key, request, signBytes }: Release): void {
    if (signBytes === null)
      throw new Violation(this.promise, `${at.replica} released no signature`);
    const { hrs } = readSignBytes(signBytes);
    const id: RecordId = { chainId, key: { type: 'ed25519', bytes: Buffer.from(key, 'hex') } };
    const grant = this.#truth.grantAt(id, hrs);
    const where = `${at.replica} released ${positionOf(hrs)}`;
    if (grant === undefined) throw new Violation(this.promise, `${where}, which nothing granted`);
    if (Buffer.compare(grant.signBytes, signBytes) !== 0) {
      throw new Violation(this.promise, `${where} over other bytes than the log granted`);
    }
    const step = request.kind === 'proposal' ? 1 : request.type === 1 ? 2 : 3;
    const asked = positionOf({ height: request.height, round: request.round, step });
    if (asked !== positionOf(hrs)) {
      throw new Violation(this.promise, `${where} to who asked for ${asked}`);
    }
  }
}
