/**
 * The validators in this process, on the endpoint that our own tests use.
 *
 * Owns    the requests, and the clock around each of them.
 * Never   verifies while it measures: what was signed is kept, and verified when the clock stands.
 * Rule    CometBFT v0.38 types/vote.go and types/proposal.go, for what a validator takes of an answer: from a vote
 *         signature and timestamp, from a proposal the signature.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { blockNamed, NoAnswerError, RemoteSignerError, SignerEndpoint } from '@cometkms/interop';
import type { Message, Timestamp } from '@cometkms/privval';
import { extensionSignBytes, proposalSignBytes, voteSignBytes } from '@cometkms/sign-state';
import { type Step, steps, type Taken, type ValidatorSide } from './validator-side.js';

interface Link {
  readonly chainId: string;
  readonly endpoint: SignerEndpoint;
  key: { readonly object: KeyObject; readonly address: Uint8Array } | null;
}

/** Computed later: the bytes, and the signature over them. */
type Signed = () => readonly [link: Link, bytes: Uint8Array, signature: Uint8Array];

const spki = Buffer.from('302a300506032b6570032100', 'hex');
const nothing = new Uint8Array(0);

export class TypeScriptSide implements ValidatorSide {
  readonly title = 'a validator in TypeScript (packages/interop)';
  #links: readonly Link[] = [];
  #signed: Signed[] = [];

  async listen(chainIds: readonly string[]): Promise<readonly string[]> {
    this.#links = chainIds.map((chainId) => ({
      chainId,
      endpoint: new SignerEndpoint({ kind: 'tcp', port: 0 }),
      key: null,
    }));
    return Promise.all(this.#links.map(({ endpoint }) => endpoint.listen()));
  }

  async ready(): Promise<void> {
    await Promise.all(
      this.#links.map(async (link) => {
        const request: Message = { kind: 'pubKeyRequest', chainId: link.chainId };
        const answer = await link.endpoint.request(request, 'pubKeyResponse');
        if (answer.kind !== 'pubKeyResponse' || answer.key === null) throw new Error('no key came');
        const { bytes } = answer.key;
        link.key = {
          object: createPublicKey({
            key: Buffer.concat([spki, bytes]),
            format: 'der',
            type: 'spki',
          }),
          address: createHash('sha256').update(bytes).digest().subarray(0, 20),
        };
      }),
    );
  }

  async ask(chain: number, height: bigint, step: Step, extensionBytes = 0): Promise<Taken> {
    const link = this.#links[chain];
    if (link === undefined) throw new Error(`no validator was started for chain ${chain}`);
    const request = requestFor(link, height, step, extensionBytes);
    const triesBefore = link.endpoint.tries;
    const tries = (): number => link.endpoint.tries - triesBefore;
    const started = performance.now();
    try {
      const answer = await link.endpoint.request(
        request,
        step === 'proposal' ? 'signedProposalResponse' : 'signedVoteResponse',
      );
      const tookMs = performance.now() - started;
      this.#keep(link, request, answer);
      return { step, tookMs, refused: null, tries: tries() };
    } catch (error) {
      const tookMs = performance.now() - started;
      return { step, tookMs, refused: whyNot(error), tries: tries() };
    }
  }

  async askInTurn(
    chain: number,
    from: bigint,
    heights: number,
    extensionBytes = 0,
  ): Promise<readonly Taken[]> {
    const taken: Taken[] = [];
    for (let height = from; height < from + BigInt(heights); height += 1n) {
      for (const step of steps) taken.push(await this.ask(chain, height, step, extensionBytes));
    }
    return taken;
  }

  async verify(): Promise<number> {
    const signed = this.#signed.splice(0);
    for (const computed of signed) {
      const [link, bytes, signature] = computed();
      if (link.key === null || !verify(null, bytes, link.key.object, signature)) {
        throw new Error(`${link.chainId}: a signature that is not over the bytes asked for`);
      }
    }
    return signed.length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#links.map(({ endpoint }) => endpoint.stop()));
  }

  #keep(link: Link, request: Message, answer: Message): void {
    const { chainId } = link;
    if (request.kind === 'signProposalRequest' && answer.kind === 'signedProposalResponse') {
      const [asked, given] = [request.proposal, answer.proposal];
      if (asked === null || given === null) throw new Error('an empty answer');
      this.#signed.push(() => [link, proposalSignBytes(chainId, asked), given.signature]);
    } else if (request.kind === 'signVoteRequest' && answer.kind === 'signedVoteResponse') {
      const [asked, given] = [request.vote, answer.vote];
      if (asked === null || given === null) throw new Error('an empty answer');
      const { timestamp, signature, extensionSignature } = given;
      this.#signed.push(() => [link, voteSignBytes(chainId, { ...asked, timestamp }), signature]);
      if (asked.extension.length === 0) return;
      const { height, round, extension } = asked;
      const bytes = (): Uint8Array => extensionSignBytes(chainId, height, round, extension);
      this.#signed.push(() => [link, bytes(), extensionSignature]);
    }
  }
}

/** A node goes on without a signature that was refused, or that fifty tries did not bring. @throws what is neither */
function whyNot(error: unknown): string {
  if (error instanceof RemoteSignerError) return error.description;
  if (error instanceof NoAnswerError) return error.message;
  throw error;
}

function requestFor(link: Link, height: bigint, step: Step, extensionBytes: number): Message {
  const { chainId } = link;
  const blockId = blockNamed(`block ${height}`);
  const common = { height, round: 0, blockId, timestamp: now(), signature: nothing };
  if (step === 'proposal') {
    return {
      kind: 'signProposalRequest',
      chainId,
      proposal: { ...common, type: 32, polRound: -1 },
    };
  }
  // Only a precommit for a block carries an extension.
  const extension = step === 'precommit' ? new Uint8Array(extensionBytes).fill(7) : nothing;
  return {
    kind: 'signVoteRequest',
    chainId,
    skipExtensionSigning: false,
    vote: {
      ...common,
      type: step === 'prevote' ? 1 : 2,
      validatorAddress: link.key?.address ?? nothing,
      validatorIndex: 0,
      extension,
      extensionSignature: nothing,
    },
  };
}

function now(): Timestamp {
  const ms = Date.now();
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}
