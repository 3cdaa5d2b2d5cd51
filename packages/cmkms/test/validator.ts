/**
 * A validator for tests: it listens as a node does, takes one signer at a time, and asks.
 *
 * Owns    a listener on a free loopback port, the one signer that it talks to, and asking again when a link ends.
 * Never   models a node's timing, or judges an answer beyond its signature: tests do.
 * Rule    CometBFT privval/signer_listener_endpoint.go: a second signer waits in the backlog without a byte;
 *         retry_signer_client.go: a typed error is final, anything else is asked again after 100 ms.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import {
  type BlockId,
  type Connection,
  createIdentity,
  decodeMessage,
  encodeMessage,
  FrameDecoder,
  frame,
  type Message,
  PlainConnection,
  secretHandshake,
  type Timestamp,
  type Vote,
} from '@cometkms/privval';
import { type PublicKey, proposalSignBytes, voteSignBytes } from '@cometkms/sign-state';
import { verifierFor } from '@cometkms/signer';

const retryPauseMs = 100;
/** Far beyond the 50 tries of a node: a test ends by its own deadline, not by this one. */
const giveUpAfterMs = 30_000;

export const steps = { proposal: 1, prevote: 2, precommit: 3 } as const;

/** Small differences make another block. Null: nil. */
export function blockNamed(name: string | null): BlockId {
  if (name === null) {
    const none = new Uint8Array(0);
    return { hash: none, partSetHeader: { total: 0, hash: none } };
  }
  const hash = createHash('sha256').update(name).digest();
  return { hash, partSetHeader: { total: 1, hash } };
}

/** What is to be signed, in a test's words. */
export interface Wanted {
  readonly height: bigint | number;
  readonly round?: number;
  readonly step?: 1 | 2 | 3;
  readonly block?: string | null;
  readonly seconds?: bigint;
}

export interface Signed {
  readonly signature: Uint8Array;
  readonly timestamp: Timestamp;
  /** Exactly what the signature is over. */
  readonly signBytes: Uint8Array;
}

/** The signer said no, for good. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

interface Signer {
  readonly connection: Connection;
  readonly answers: Message[];
  wake: () => void;
  ended: boolean;
}

export class Validator {
  readonly address: string;
  readonly #chainId: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #identity = createIdentity();
  #backlog: Socket[] = [];
  #signer: Signer | null = null;
  #accepting = false;
  #turn: Promise<unknown> = Promise.resolve();
  #stopped = false;

  private constructor(chainId: string, server: Server, address: string) {
    this.#chainId = chainId;
    this.#server = server;
    this.address = address;
    server.on('connection', (socket) => this.#onSocket(socket));
  }

  static async listen(chainId: string): Promise<Validator> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    return new Validator(chainId, server, `tcp://127.0.0.1:${bound.port}`);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /**
   * Asks until it is signed. Where nobody leads yet it asks again, as a node does in its next round.
   * @throws Refused
   */
  async sign(key: PublicKey, wanted: Wanted): Promise<Signed> {
    const request = this.#request(wanted);
    const answer = await this.#answered(request);
    const signed = signedOf(request, answer, this.#chainId);
    assert.ok(verifierFor(key)(signed.signBytes, signed.signature), 'the signature is not valid');
    return signed;
  }

  /** Whatever comes for this message; asked again for as long as links end without an answer. */
  async ask(message: Message): Promise<Message> {
    return await this.#answered(message);
  }

  // ---------------------------------------------------------------------------------- requests

  #request({ height, round = 0, step = 3, block = 'X', seconds = 1n }: Wanted): Message {
    const chainId = this.#chainId;
    const none = new Uint8Array(0);
    const at = { height: BigInt(height), round };
    const common = { ...at, blockId: blockNamed(block), timestamp: { seconds, nanos: 7 } };
    if (step === 1) {
      const proposal = { ...common, type: 32, polRound: -1, signature: none };
      return { kind: 'signProposalRequest', chainId, proposal };
    }
    const vote: Vote = {
      ...common,
      type: step - 1,
      validatorAddress: new Uint8Array(20),
      validatorIndex: 0,
      signature: none,
      extension: none,
      extensionSignature: none,
    };
    return { kind: 'signVoteRequest', chainId, vote, skipExtensionSigning: true };
  }

  /** One request at a time, as behind a node's mutex. */
  #answered(message: Message): Promise<Message> {
    const done = this.#turn.then(
      () => this.#retried(message),
      () => this.#retried(message),
    );
    this.#turn = done.catch(() => 'its caller has it');
    return done;
  }

  async #retried(message: Message): Promise<Message> {
    const deadlineMs = performance.now() + giveUpAfterMs;
    while (performance.now() < deadlineMs && !this.#stopped) {
      const answer = await this.#once(message);
      if (answer !== null && !isNoQuorum(answer)) return answer;
      await new Promise((resolve) => setTimeout(resolve, retryPauseMs));
    }
    throw new Error(`no answer to ${message.kind}`);
  }

  /** Null: there is no signer, or the link ended first. */
  async #once(message: Message): Promise<Message | null> {
    const signer = this.#signer;
    if (signer === null) return null;
    signer.answers.length = 0;
    signer.connection.write(frame(encodeMessage(message)));
    while (signer.answers.length === 0 && !signer.ended) {
      await new Promise<void>((resolve) => {
        signer.wake = resolve;
      });
    }
    return signer.answers.shift() ?? null;
  }

  // ------------------------------------------------------------------------------- connections

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => 'the test sees the end of the link');
    socket.once('close', () => this.#sockets.delete(socket));
    this.#backlog.push(socket);
    void this.#accept();
  }

  async #accept(): Promise<void> {
    if (this.#accepting || this.#signer !== null) return;
    this.#accepting = true;
    try {
      for (let socket = this.#backlog.shift(); socket; socket = this.#backlog.shift()) {
        if (socket.destroyed) continue;
        this.#signer = await this.#greet(socket);
        if (this.#signer !== null) return;
      }
    } finally {
      this.#accepting = false;
    }
  }

  async #greet(socket: Socket): Promise<Signer | null> {
    try {
      const plain = new PlainConnection(socket, 'tcp');
      socket.resume();
      const connection = await secretHandshake(plain, { identity: this.#identity });
      const signer: Signer = { connection, answers: [], wake: () => {}, ended: false };
      const decoder = new FrameDecoder();
      connection.start({
        data: (bytes) => {
          decoder.push(bytes);
          for (let body = decoder.next(); body !== undefined; body = decoder.next()) {
            signer.answers.push(decodeMessage(body));
          }
          signer.wake();
        },
        closed: () => {
          signer.ended = true;
          if (this.#signer === signer) this.#signer = null;
          signer.wake();
          void this.#accept();
        },
      });
      return signer.ended ? null : signer;
    } catch {
      // It hung up in the middle: the next one in the backlog.
      socket.destroy();
      return null;
    }
  }
}

function isNoQuorum(answer: Message): boolean {
  return 'error' in answer && answer.error?.description.includes(' NO_QUORUM: ') === true;
}

/** @throws Refused */
function signedOf(request: Message, answer: Message, chainId: string): Signed {
  if ('error' in answer && answer.error !== null) throw new Refused(answer.error.description);
  if (request.kind === 'signProposalRequest' && answer.kind === 'signedProposalResponse') {
    assert.ok(request.proposal !== null && answer.proposal !== null);
    const { signature, timestamp } = answer.proposal;
    return { signature, timestamp, signBytes: proposalSignBytes(chainId, request.proposal) };
  }
  assert.ok(request.kind === 'signVoteRequest' && answer.kind === 'signedVoteResponse');
  assert.ok(request.vote !== null && answer.vote !== null);
  const { signature, timestamp } = answer.vote;
  // A vote that was asked for again comes back with the time of the first one.
  return {
    signature,
    timestamp,
    signBytes: voteSignBytes(chainId, { ...request.vote, timestamp }),
  };
}
