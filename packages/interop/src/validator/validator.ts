/**
 * A validator that speaks the real protocol from the node's side: one height after the other, each with a
 * proposal, a prevote and a precommit.
 *
 * Owns    what is asked for, and the check of each answer as a node makes it.
 * Never   talks to other validators: it is alone on its chain, so that every height waits for the signer.
 * Rule    CometBFT v0.38 consensus/state.go: signing is synchronous; an answer's timestamp and signature are taken,
 *         from a proposal's only the signature.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Message, Timestamp } from '@cometkms/privval';
import {
  type BlockId,
  extensionSignBytes,
  proposalSignBytes,
  voteSignBytes,
} from '@cometkms/sign-state';
import { type ReleasedLine, recordReleased } from './released.js';
import {
  type ListenPlace,
  NoAnswerError,
  RemoteSignerError,
  SignerEndpoint,
} from './signer-endpoint.js';

export interface ValidatorOptions {
  readonly chainId: string;
  /** Where to listen. */
  readonly listen: ListenPlace;
  /** Each released signature is appended here. */
  readonly released: string;
}

export interface Signed {
  readonly signature: Uint8Array;
  readonly timestamp: Timestamp;
  readonly tookMs: number;
}

/** Small differences make another block. */
export function blockNamed(name: string): BlockId {
  const hash = createHash('sha256').update(name).digest();
  const parts = createHash('sha256').update(`${name} parts`).digest();
  return { hash, partSetHeader: { total: 1, hash: parts } };
}

export const nil: BlockId = {
  hash: new Uint8Array(0),
  partSetHeader: { total: 0, hash: new Uint8Array(0) },
};

export const stepTypes = { prevote: 1, precommit: 2 } as const;

export class Validator {
  readonly endpoint: SignerEndpoint;
  readonly #options: ValidatorOptions;
  #key: { readonly bytes: Uint8Array; readonly object: KeyObject } | null = null;

  constructor(options: ValidatorOptions) {
    this.#options = options;
    this.endpoint = new SignerEndpoint(options.listen);
  }

  /** @returns the address for the signer's configuration */
  listen(): Promise<string> {
    return this.endpoint.listen();
  }

  /** As a node does at its start and at each height. @param retries 1 at a node's start */
  async publicKey(retries?: number): Promise<Uint8Array> {
    const request: Message = { kind: 'pubKeyRequest', chainId: this.#options.chainId };
    const answer = await this.endpoint.request(request, 'pubKeyResponse', retries);
    if (answer.kind !== 'pubKeyResponse' || answer.key === null) throw new Error('no key came');
    const { bytes } = answer.key;
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes]);
    this.#key = { bytes, object: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
    return bytes;
  }

  /** @throws RemoteSignerError  refused; final */
  async signProposal(height: bigint, round: number, blockId: BlockId): Promise<Signed> {
    const { chainId } = this.#options;
    const timestamp = now();
    const proposal = { type: 32, height, round, polRound: -1, blockId, timestamp };
    const { answer, tookMs } = await this.#timed(
      {
        kind: 'signProposalRequest',
        chainId,
        proposal: { ...proposal, signature: new Uint8Array(0) },
      },
      'signedProposalResponse',
    );
    if (answer.kind !== 'signedProposalResponse' || answer.proposal === null)
      throw new Error('empty');
    const { signature } = answer.proposal;
    const signBytes = proposalSignBytes(chainId, proposal);
    this.#take({ height, round, step: 1, signBytes, signature, tookMs });
    return { signature, timestamp, tookMs };
  }

  /** @throws RemoteSignerError  refused; final */
  async signVote(
    type: 1 | 2,
    height: bigint,
    round: number,
    blockId: BlockId,
    extension: Uint8Array = new Uint8Array(0),
  ): Promise<Signed> {
    const { chainId } = this.#options;
    const vote = {
      type,
      height,
      round,
      blockId,
      timestamp: now(),
      validatorAddress: createHash('sha256').update(this.#known().bytes).digest().subarray(0, 20),
      validatorIndex: 0,
      signature: new Uint8Array(0),
      extension,
      extensionSignature: new Uint8Array(0),
    };
    const { answer, tookMs } = await this.#timed(
      { kind: 'signVoteRequest', chainId, vote, skipExtensionSigning: false },
      'signedVoteResponse',
    );
    if (answer.kind !== 'signedVoteResponse' || answer.vote === null) throw new Error('empty');
    const { signature, timestamp, extensionSignature } = answer.vote;
    const signBytes = voteSignBytes(chainId, { ...vote, timestamp });
    this.#take({ height, round, step: type === 1 ? 2 : 3, signBytes, signature, tookMs });
    this.#checkExtension(vote, extensionSignature);
    return { signature, timestamp, tookMs };
  }

  async stop(): Promise<void> {
    await this.endpoint.stop();
  }

  // ------------------------------------------------------------------------------------ checks

  async #timed(
    request: Message,
    expected: Message['kind'],
  ): Promise<{ answer: Message; tookMs: number }> {
    const started = performance.now();
    const answer = await this.endpoint.request(request, expected);
    return { answer, tookMs: performance.now() - started };
  }

  /** Written down first, whatever it is worth: a wrong signature is out as well. */
  #take(taken: {
    height: bigint;
    round: number;
    step: 1 | 2 | 3;
    signBytes: Uint8Array;
    signature: Uint8Array;
    tookMs: number;
  }): void {
    const { height, round, step, signBytes, signature, tookMs } = taken;
    const key = this.#known();
    const line: ReleasedLine = {
      at: new Date().toISOString(),
      chainId: this.#options.chainId,
      key: Buffer.from(key.bytes).toString('hex'),
      height: Number(height),
      round,
      step,
      signBytes: Buffer.from(signBytes).toString('hex'),
      signature: Buffer.from(signature).toString('hex'),
      tookMs,
    };
    recordReleased(this.#options.released, line);
    if (!verify(null, signBytes, key.object, signature)) {
      throw new Error(`invalid signature at ${height}/${round}/${step}`);
    }
  }

  /** v0.38.0 to v0.38.10 stop their consensus on either mismatch, with extensions on or off. */
  #checkExtension(
    vote: { type: number; height: bigint; round: number; blockId: BlockId; extension: Uint8Array },
    signature: Uint8Array,
  ): void {
    const { height, round, extension } = vote;
    const wanted = vote.type === stepTypes.precommit && vote.blockId.hash.length > 0;
    if (!wanted && signature.length > 0)
      throw new Error('an extension signature where none belongs');
    if (!wanted) return;
    const bytes = extensionSignBytes(this.#options.chainId, height, round, extension);
    if (!verify(null, bytes, this.#known().object, signature)) {
      throw new Error('the extension signature is missing or invalid');
    }
  }

  #known(): { readonly bytes: Uint8Array; readonly object: KeyObject } {
    if (this.#key === null) throw new Error('ask for the public key first, as a node does');
    return this.#key;
  }
}

/** A node's clock gives nanoseconds; the last digits tell two requests of one millisecond apart. */
let lastNanos = 0;
function now(): Timestamp {
  const ms = Date.now();
  lastNanos = (lastNanos + 1) % 1_000_000;
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 + lastNanos };
}

export { NoAnswerError, RemoteSignerError };
