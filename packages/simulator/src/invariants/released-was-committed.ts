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
import { readSigned, type SignedBytes } from '../signed-bytes.js';
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

  released(release: Release): void {
    const { at, chainId, key, signBytes } = release;
    const id: RecordId = { chainId, key: { type: 'ed25519', bytes: Buffer.from(key, 'hex') } };
    const signed = signBytes === null ? null : readSigned(signBytes);
    if (signed === null || signBytes === null)
      throw new Violation(this.promise, `${at.replica} released no signature of a vote`);
    const how = this.#amiss(id, signed, signBytes) ?? this.#misses(id, signed, release);
    if (how !== null)
      throw new Violation(
        this.promise,
        `${at.replica} released ${chainId} ${positionOf(signed.hrs)} ${how}`,
      );
  }

  /** Against the log. */
  #amiss(id: RecordId, { hrs }: SignedBytes, signBytes: Uint8Array): string | null {
    const grant = this.#truth.grantAt(id, hrs) ?? this.#imported(id, hrs);
    if (grant === undefined) return 'which nothing granted';
    const isSame = Buffer.compare(grant.signBytes, signBytes) === 0;
    return isSame ? null : 'over other bytes than the log granted';
  }

  /** Against the request. */
  #misses(id: RecordId, signed: SignedBytes, { request, answer }: Release): string | null {
    const wanted = askedOf(id, request);
    if (wanted === null) return 'for a request of no known shape';
    if (positionOf(wanted.hrs) !== positionOf(signed.hrs))
      return `to who asked for ${positionOf(wanted.hrs)}`;
    if (wanted.content !== signed.content) return 'to who asked for another content';
    if (request.kind === 'proposal')
      return wanted.time === signed.time ? null : 'with another time than the proposal has';
    const { extensionSignature } = answer;
    const said = extensionSignature === null ? null : this.#signedBy(extensionSignature);
    if (request.extensionWanted !== (extensionSignature !== null)) return 'extension amiss';
    if (extensionSignature === null) return null;
    const { height, round, extension } = request;
    const due = extensionSignBytes(id.chainId, height, round, extension);
    return said !== null && Buffer.compare(due, said) === 0 ? null : 'with another extension';
  }

  /** What the log began with may be repeated, too. */
  #imported(id: RecordId, hrs: { height: bigint; round: number; step: number }) {
    const start = this.#truth.startOf(id);
    return start !== undefined && positionOf(start.hrs) === positionOf(hrs) ? start : undefined;
  }
}
