/**
 * What is released was granted by a committed entry, to the byte; and it answers the request that it was given for.
 *
 * Source  docs/architecture.md, the road of one signature: the signer signs the bytes that the verdict carries, a late
 *         answer is never written to another request, and a proposal is answered over its own bytes or not at all.
 */
import { extensionSignBytes, type RecordId } from '@cometkms/sign-state';
import { askedOf } from '../asked-bytes.js';
import type { Invariant, Release } from '../observations.js';
import { type ProductTruth, positionOf } from '../product-truth.js';
import { readSigned } from '../signed-bytes.js';
import { Violation } from '../violation.js';

export class ReleasedWasCommitted implements Invariant {
  readonly promise =
    'what was released was committed before, to the byte, and answers its own request';
  readonly #truth: ProductTruth;
  readonly #signedBy: (signature: Uint8Array) => Uint8Array | null;

  constructor(truth: ProductTruth, signedBy: (signature: Uint8Array) => Uint8Array | null) {
    this.#truth = truth;
    this.#signedBy = signedBy;
  }

  released({ at, chainId, key, request, answer, signBytes }: Release): void {
    const id: RecordId = { chainId, key: { type: 'ed25519', bytes: Buffer.from(key, 'hex') } };
    const signed = signBytes === null ? null : readSigned(signBytes);
    if (signed === null || signBytes === null)
      throw new Violation(this.promise, `${at.replica} released no signature of a vote`);
    const where = `${at.replica} released ${positionOf(signed.hrs)}`;
    const broken: (how: string) => never = (how) => {
      throw new Violation(this.promise, `${where} ${how}`);
    };
    const grant = this.#truth.grantAt(id, signed.hrs) ?? this.#imported(id, signed.hrs);
    if (grant === undefined) broken('which nothing granted');
    if (Buffer.compare(grant.signBytes, signBytes) !== 0)
      broken('over other bytes than the log granted');
    const wanted = askedOf(id, request);
    if (wanted === null) broken('for a request of no known shape');
    if (positionOf(wanted.hrs) !== positionOf(signed.hrs))
      broken(`to who asked for ${positionOf(wanted.hrs)}`);
    if (wanted.content !== signed.content) broken('to who asked for another content');
    if (request.kind === 'proposal' && wanted.time !== signed.time)
      broken('with another time than the proposal has');
    if (request.kind !== 'vote') return;
    const said =
      answer.extensionSignature === null ? null : this.#signedBy(answer.extensionSignature);
    if (request.extensionWanted !== (said !== null)) broken('and its extension is amiss');
    if (said === null) return;
    const extension = extensionSignBytes(chainId, request.height, request.round, request.extension);
    if (Buffer.compare(extension, said) !== 0) broken('with another extension');
  }

  /** What the log began with may be repeated, too. */
  #imported(id: RecordId, hrs: { height: bigint; round: number; step: number }) {
    const start = this.#truth.startOf(id);
    return start !== undefined && positionOf(start.hrs) === positionOf(hrs) ? start : undefined;
  }
}
