/**
 * The requests and answers of one open connection.
 *
 * Owns    strictly one answer per request, in order; the time limits of silence and of an answer;
 *         which error is an answer and which one ends the connection.
 * Never   signs, reads ahead of an open answer, pairs an answer with another request, or writes
 *         after its end: messages carry no numbers, so a node would take any answer for its next
 *         request's.
 * Rule    CometBFT privval/signer_requestHandler.go for the answers; where Go closes nothing and
 *         answers an empty message, we close, since the node would only ask the same again.
 * Proof   test/session.test.ts (what each input leads to, over real sockets), test/garbage.test.ts.
 */
import {
  proposalAnswer,
  remoteError,
  type SignAnswer,
  voteAnswer,
  type WrittenAnswer,
} from './answer.js';
import type { Connection } from './connection.js';
import { asPrivvalError, PrivvalError } from './errors.js';
import { defaultMaxMessageBytes, FrameDecoder, frame } from './framing.js';
import { decodeMessage, encodeMessage } from './message-codec.js';
import type {
  ConsensusKey,
  Message,
  RemoteSignerError,
  SignProposalRequest,
  SignVoteRequest,
} from './messages.js';
import {
  checkProposal,
  checkVote,
  type ProposalRequest,
  type VoteRequest,
  wrongChain,
} from './request-check.js';

/** Who answers. Requests arrive one at a time per connection. */
export interface SigningHandler {
  readonly chainId: string;
  publicKey(): ConsensusKey;
  /** @param receivedMs when its last byte came, on the monotonic clock; for metrics */
  signVote(request: VoteRequest, receivedMs: number): Promise<SignAnswer>;
  /** @param receivedMs as above */
  signProposal(request: ProposalRequest, receivedMs: number): Promise<SignAnswer>;
}

export type RequestKind = 'ping' | 'pubKey' | 'vote' | 'proposal' | 'signBytes';

/**
 * One line for the log; the caller adds the chain and bounds the rate. Never holds content or keys.
 */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | bigint>>;
}

export interface SessionEvents {
  /** A request has come whole; whether it is valid is not known yet. */
  onRequest(kind: RequestKind): void;
  /** It was not, and got `error` as its answer. */
  onInvalidRequest(kind: RequestKind, error: PrivvalError): void;
  onLog(entry: LogEntry): void;
}

export interface SessionOptions {
  /** From a whole request to its answer. A node gives up after 5 s. */
  readonly answerDeadlineMs: number;
  /**
   * Of silence, once a message has come. A node pings 3.3 s after the last request that was answered (CometBFT
   * privval/signer_listener_endpoint.go): two of these, and a little. Given up by mistake, a link costs the node
   * one retry. Given up late, the node has no signer meanwhile: where the path is cut it stops waiting 5 s after
   * its next request, which is about now.
   */
  readonly idleTimeoutMs: number;
  /** Of silence before that: a node may rightly keep a second signer waiting. */
  readonly firstMessageTimeoutMs: number;
  readonly maxMessageBytes: number;
}

export const defaultSessionOptions: SessionOptions = {
  answerDeadlineMs: 4500,
  idleTimeoutMs: 7000,
  firstMessageTimeoutMs: 90_000,
  maxMessageBytes: defaultMaxMessageBytes,
};

/**
 * Answers that may wait for a peer to read them. It bounds the work of one turn of the loop, too.
 */
const maxUnsentBytes = 256 * 1024;

/** No node reads it. */
const errorCode = 0;

const empty = new Uint8Array(0);

export class Session {
  /** Resolves with why it ended, once the connection is closed. Never rejects. */
  readonly ended: Promise<PrivvalError>;
  readonly #options: SessionOptions;
  readonly #decoder: FrameDecoder;
  #resolveEnded: (cause: PrivvalError) => void = () => {};
  /** Why, from the moment it is decided. Nothing is read or written from then on. */
  #end: PrivvalError | null = null;
  #answerPending = false;
  /** No request is taken any more; the answer that is pending is the last. */
  #finishing = false;
  #idleTimer: NodeJS.Timeout;
  #idleMs: number;
  #receivedChunks = 0;
  #receivedMs = 0;

  /** Starts `connection` and answers until either side ends it. */
  constructor(
    readonly connection: Connection,
    readonly handler: SigningHandler,
    readonly events: SessionEvents,
    options: Partial<SessionOptions> = {},
  ) {
    this.#options = { ...defaultSessionOptions, ...options };
    this.#decoder = new FrameDecoder(this.#options.maxMessageBytes);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#idleMs = this.#options.firstMessageTimeoutMs;
    this.#idleTimer = setTimeout(() => this.#onIdle(), this.#idleMs);
    connection.start({
      data: (bytes, receivedMs) => this.#onBytes(bytes, receivedMs),
      closed: (cause) => this.#onClosed(cause),
    });
  }

  /** FIN. An answer that is still pending is not written. */
  close(): void {
    if (this.#end !== null) return;
    this.#finish(new PrivvalError('PRIVVAL_CLOSED', { by: 'signer' }));
    this.connection.end();
  }

  /** RST on tcp, closed on unix. An answer that is still pending is not written. */
  reset(cause: PrivvalError = new PrivvalError('PRIVVAL_CLOSED', { by: 'signer' })): void {
    if (this.#end !== null) return;
    this.#finish(cause);
    this.connection.reset();
  }

  /** As `reset`, but a request that is being answered gets its answer first; none is taken after it. */
  resetOnceAnswered(): void {
    if (this.#answerPending) this.#finishing = true;
    else this.reset();
  }

  // --------------------------------------------------------------------------- what comes in

  #onBytes(bytes: Uint8Array, receivedMs: number): void {
    if (this.#end !== null) return;
    this.#receivedChunks += 1;
    this.#receivedMs = receivedMs;
    this.#idleTimer.refresh();
    this.#decoder.push(bytes);
    if (!this.#answerPending) {
      this.#takeRequests();
      return;
    }
    const { bufferedBytes } = this.#decoder;
    const limit = this.#options.maxMessageBytes;
    if (bufferedBytes > limit) {
      this.reset(new PrivvalError('PRIVVAL_PIPELINED', { bufferedBytes, limit }));
    }
  }

  /** Until an answer is pending: what comes after that request waits as bytes. */
  #takeRequests(): void {
    try {
      while (this.#end === null && !this.#answerPending) {
        const body = this.#decoder.next();
        if (body === undefined) return;
        this.#onFirstMessage();
        this.#answer(decodeMessage(body));
      }
    } catch (error) {
      this.reset(asPrivvalError(error));
    }
  }

  #onFirstMessage(): void {
    if (this.#idleMs === this.#options.idleTimeoutMs) return;
    this.#idleMs = this.#options.idleTimeoutMs;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#onIdle(), this.#idleMs);
  }

  #answer(message: Message): void {
    switch (message.kind) {
      case 'pingRequest':
        this.events.onRequest('ping');
        this.#write({ kind: 'pingResponse' });
        return;
      case 'pubKeyRequest':
        this.#answerPublicKey(message.chainId);
        return;
      case 'signVoteRequest':
        this.#answerVote(message);
        return;
      case 'signProposalRequest':
        this.#answerProposal(message);
        return;
      case 'signBytesRequest': {
        this.events.onRequest('signBytes');
        const error = this.#refuse('signBytes', new PrivvalError('PRIVVAL_SIGN_BYTES', {}));
        this.#write({ kind: 'signBytesResponse', signature: empty, error });
        return;
      }
      default:
        this.reset(new PrivvalError('PRIVVAL_UNEXPECTED_MESSAGE', { kind: message.kind }));
        return;
    }
  }

  #answerPublicKey(chainId: string): void {
    this.events.onRequest('pubKey');
    const flaw = wrongChain(chainId, this.handler.chainId);
    if (flaw !== null) {
      const error = this.#refuse('pubKey', flaw);
      this.#write({ kind: 'pubKeyResponse', key: null, error });
      return;
    }
    this.#write({ kind: 'pubKeyResponse', key: this.handler.publicKey(), error: null });
  }

  #answerVote(message: SignVoteRequest): void {
    this.events.onRequest('vote');
    const request = checkVote(message, this.handler.chainId);
    if (request instanceof PrivvalError) {
      const error = this.#refuse('vote', request);
      this.#write({ kind: 'signedVoteResponse', vote: null, error });
      return;
    }
    void this.#sign(
      () => this.handler.signVote(request, this.#receivedMs),
      (answer) => voteAnswer(request, answer),
    );
  }

  #answerProposal(message: SignProposalRequest): void {
    this.events.onRequest('proposal');
    const request = checkProposal(message, this.handler.chainId);
    if (request instanceof PrivvalError) {
      const error = this.#refuse('proposal', request);
      this.#write({ kind: 'signedProposalResponse', proposal: null, error });
      return;
    }
    void this.#sign(
      () => this.handler.signProposal(request, this.#receivedMs),
      (answer) => proposalAnswer(request, answer),
    );
  }

  // -------------------------------------------------------------------------------- answering

  async #sign(
    ask: () => Promise<SignAnswer>,
    toMessage: (answer: WrittenAnswer) => Message | PrivvalError,
  ): Promise<void> {
    this.#answerPending = true;
    const { answerDeadlineMs: deadlineMs } = this.#options;
    const deadline = setTimeout(
      () => this.reset(new PrivvalError('PRIVVAL_ANSWER_DEADLINE', { deadlineMs })),
      deadlineMs,
    );
    const answer = await decided(ask);
    clearTimeout(deadline);
    // The await is where the session may have ended, by deadline, by the peer, by its owner. While
    // it lives no other request was taken, so this answer can only meet its own request.
    if (this.#end !== null) {
      this.#log('warn', 'late answer discarded', { answer: answer.kind, ended: this.#end.code });
      return;
    }
    this.#answerPending = false;
    if (answer.kind === 'drop') {
      this.reset(new PrivvalError('PRIVVAL_DROPPED', { reason: answer.reason }));
      return;
    }
    const message = toMessage(answer);
    if (message instanceof PrivvalError) {
      this.reset(message);
      return;
    }
    this.#write(message);
    if (this.#finishing) this.reset();
    else this.#takeRequests();
  }

  #refuse(kind: RequestKind, error: PrivvalError): RemoteSignerError {
    this.events.onInvalidRequest(kind, error);
    const level = error.code === 'PRIVVAL_WRONG_CHAIN' ? 'error' : 'warn';
    this.#log(level, 'invalid request', { kind, code: error.code, detail: error.message });
    return remoteError(errorCode, `${error.code}: ${error.message}`);
  }

  #write(message: Message): void {
    this.connection.write(frame(encodeMessage(message)));
    const { unsentBytes } = this.connection;
    if (unsentBytes > maxUnsentBytes) {
      const facts = { unsentBytes, limit: maxUnsentBytes };
      this.reset(new PrivvalError('PRIVVAL_NOT_READING', facts));
    }
  }

  // ------------------------------------------------------------------------------ how it ends

  #onIdle(): void {
    const seen = this.#receivedChunks;
    // After a stall of the process this timer runs before data that already waits: let the sockets
    // speak for one turn first.
    setImmediate(() => {
      if (this.#end !== null) return;
      // A pending answer has a limit of its own.
      if (this.#receivedChunks !== seen || this.#answerPending) {
        this.#idleTimer.refresh();
        return;
      }
      this.reset(new PrivvalError('PRIVVAL_IDLE', { silentMs: this.#idleMs }));
    });
  }

  #onClosed(cause: PrivvalError): void {
    if (this.#end === null) this.#finish(this.#truncation(cause) ?? cause);
    this.#resolveEnded(this.#end ?? cause);
  }

  /** Only a clean end says anything about the bytes before it. */
  #truncation(cause: PrivvalError): PrivvalError | null {
    if (cause.code !== 'PRIVVAL_CLOSED' || this.#answerPending) return null;
    try {
      this.#decoder.finish();
      return null;
    } catch (error) {
      return asPrivvalError(error);
    }
  }

  #finish(cause: PrivvalError): void {
    this.#end = cause;
    clearTimeout(this.#idleTimer);
  }

  #log(level: LogEntry['level'], message: string, facts: LogEntry['facts']): void {
    this.events.onLog({ level, message, facts });
  }
}

/** A handler should not throw; if it does, no signature leaves and the node asks again. */
async function decided(ask: () => Promise<SignAnswer>): Promise<SignAnswer> {
  try {
    return await ask();
  } catch (error) {
    return { kind: 'drop', reason: error instanceof Error ? error.message : String(error) };
  }
}
