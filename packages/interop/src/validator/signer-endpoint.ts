/**
 * The node's side of the remote-signer protocol: it listens, takes one signer at a time, and asks.
 *
 * Owns    the constants and the manners of a v0.38 node: who is accepted when, what drops a connection, how often
 *         and how soon it asks again.
 * Never   is kinder than a node: a FIN is noticed late, a second signer waits without a byte.
 * Rule    CometBFT v0.38 privval/signer_listener_endpoint.go, signer_endpoint.go, retry_signer_client.go.
 * Proof   test/signer-endpoint.test.ts; the real node in the interop suite is the reference.
 */
import { createServer, type Server, type Socket } from 'node:net';
import {
  type Connection,
  createIdentity,
  decodeMessage,
  encodeMessage,
  FrameDecoder,
  frame,
  type Message,
  secretHandshake,
} from '@cometkms/privval';
import { NodeSocket } from './node-socket.js';

/** CometBFT's own; none of them is configurable in a node. */
export const nodeConstants = {
  acceptDeadlineMs: 3000,
  readDeadlineMs: 5000,
  pingIntervalMs: 3333,
  retries: 50,
  retryPauseMs: 100,
} as const;

/** On loopback; port 0 finds a free one. */
export type ListenPlace =
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** A typed error of the signer: final, the node does not ask again. */
export class RemoteSignerError extends Error {
  override readonly name = 'RemoteSignerError';
  constructor(
    readonly code: number,
    readonly description: string,
  ) {
    super(`signerEndpoint returned error #${code}: ${description}`);
  }
}

/** All tries failed. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  constructor(tries: number, last: Error) {
    super(`no answer in ${tries} tries; at last: ${last.message}`, { cause: last });
  }
}

type Pending = {
  readonly resolve: (message: Message) => void;
  readonly reject: (e: Error) => void;
};

/** The one signer that is connected. */
interface Signer {
  readonly socket: NodeSocket;
  readonly stream: Connection;
  pending: Pending | null;
  closed: Error | null;
}

export class SignerEndpoint {
  readonly #server: Server;
  readonly #place: ListenPlace;
  readonly #identity = createIdentity();
  /** Connected in the kernel, not accepted by the node: first in, first out. */
  #backlog: Socket[] = [];
  #signer: Signer | null = null;
  #accepting: Promise<void> | null = null;
  #arrived: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #pingTimer: NodeJS.Timeout | null = null;
  #stopped = false;
  #tries = 0;

  constructor(place: ListenPlace) {
    this.#place = place;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.#onConnection(socket);
    });
  }

  /** @returns the address for the signer's configuration, with the port that was found */
  async listen(): Promise<string> {
    const place = this.#place;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      if (place.kind === 'unix') this.#server.listen(place.path, resolve);
      else this.#server.listen(place.port, '127.0.0.1', resolve);
    });
    if (place.kind === 'unix') return `unix://${place.path}`;
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('not listening on tcp');
    return `tcp://127.0.0.1:${bound.port}`;
  }

  /** Of all requests so far, pings left out: one more than requests for each that was asked again. */
  get tries(): number {
    return this.#tries;
  }

  get connected(): boolean {
    return this.#signer !== null;
  }

  /**
   * One request, as the node's RetrySignerClient makes it: up to 50 tries, 100 ms apart.
   * @throws RemoteSignerError  a typed error; not retried
   * @throws NoAnswerError  after the last try: a node goes on without this signature
   */
  async request(
    message: Message,
    expected: Message['kind'],
    retries: number = nodeConstants.retries,
  ): Promise<Message> {
    let last: Error = new Error('never asked');
    for (let attempt = 0; attempt < retries && !this.#stopped; attempt += 1) {
      if (attempt > 0) await pause(nodeConstants.retryPauseMs);
      this.#tries += 1;
      try {
        return checked(await this.#exclusively(() => this.#ask(message)), expected);
      } catch (error) {
        if (error instanceof RemoteSignerError) throw error;
        last = error as Error;
      }
    }
    throw new NoAnswerError(retries, last);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#pingTimer !== null) clearTimeout(this.#pingTimer);
    this.#drop(new Error('the validator stops'));
    for (const socket of this.#backlog) socket.destroy();
    this.#backlog = [];
    for (const wake of this.#arrived.splice(0)) wake();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  // ---------------------------------------------------------------------------------- requests

  /** All requests, pings too, go through one mutex. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => 'the caller has it');
    return done;
  }

  async #ask(message: Message): Promise<Message> {
    const signer = await this.#connection();
    if (signer.socket.broken) throw this.#drop(new Error('write: connection reset or broken pipe'));
    signer.stream.write(frame(encodeMessage(message)));
    if (signer.socket.fin) {
      // The first write after a FIN is taken, and answered by a reset: a read sees the FIN all the same, and a node
      // keeps the connection. The write of the next try fails, and the node drops it; here that is told a turn later.
      await turnOfTheLoop();
      if (signer.socket.broken) throw this.#drop(new Error('write: broken pipe'));
      throw new Error('EOF');
    }
    const answer = await this.#read(signer);
    this.#schedulePing();
    return answer;
  }

  #read(signer: Signer): Promise<Message> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        reject(this.#drop(new Error('read timeout: no answer for 5 s')));
      }, nodeConstants.readDeadlineMs);
      const settle = (): void => {
        clearTimeout(deadline);
        signer.pending = null;
      };
      signer.pending = {
        resolve: (message) => {
          settle();
          resolve(message);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
    });
  }

  /** Any error of a ping drops the connection. */
  #schedulePing(): void {
    if (this.#pingTimer !== null) clearTimeout(this.#pingTimer);
    if (this.#stopped) return;
    this.#pingTimer = setTimeout(() => {
      const ping = this.#exclusively(() => this.#ask({ kind: 'pingRequest' }));
      ping.catch((error: Error) => {
        this.#drop(error);
        this.#schedulePing();
      });
    }, nodeConstants.pingIntervalMs);
  }

  // -------------------------------------------------------------------------------- connections

  #onConnection(socket: Socket): void {
    if (this.#stopped) {
      socket.destroy();
      return;
    }
    socket.on('error', () => socket.destroy());
    this.#backlog.push(socket);
    this.#accept();
  }

  /** Only while nobody is connected; handshakes run one after the other. */
  #accept(): void {
    if (this.#signer !== null || this.#accepting !== null || this.#stopped) return;
    const socket = this.#backlog.shift();
    if (socket === undefined) return;
    this.#accepting = this.#handshake(socket)
      .catch(() => {
        socket.destroy();
      })
      .finally(() => {
        this.#accepting = null;
        this.#accept();
      });
  }

  async #handshake(socket: Socket): Promise<void> {
    const nodeSocket = new NodeSocket(socket, this.#place.kind);
    socket.resume();
    const stream =
      this.#place.kind === 'unix'
        ? nodeSocket
        : await secretHandshake(nodeSocket, {
            identity: this.#identity,
            timeoutMs: nodeConstants.readDeadlineMs,
          });
    const signer: Signer = { socket: nodeSocket, stream, pending: null, closed: null };
    // A FIN is only EOF: the dead connection stays until a write or a ping fails.
    nodeSocket.onFin = () => signer.pending?.reject(new Error('EOF'));
    const decoder = new FrameDecoder();
    stream.start({
      data: (bytes) => {
        decoder.push(bytes);
        for (let body = decoder.next(); body !== undefined; body = decoder.next()) {
          signer.pending?.resolve(decodeMessage(body));
        }
      },
      closed: (cause) => {
        signer.closed = cause;
        signer.pending?.reject(this.#drop(cause));
      },
    });
    this.#signer = signer;
    this.#schedulePing();
    for (const wake of this.#arrived.splice(0)) wake();
  }

  async #connection(): Promise<Signer> {
    const deadlineMs = performance.now() + nodeConstants.acceptDeadlineMs;
    while (this.#signer === null) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 || this.#stopped) throw new Error('endpoint connection timed out');
      this.#accept();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#arrived.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.#signer;
  }

  #drop(why: Error): Error {
    const signer = this.#signer;
    this.#signer = null;
    signer?.pending?.reject(why);
    signer?.stream.end();
    this.#accept();
    return why;
  }
}

/** A wrong or empty answer is retried; an error in the right one is final. */
function checked(answer: Message, expected: Message['kind']): Message {
  if (answer.kind !== expected) throw new Error(`empty response: got ${answer.kind}`);
  if ('error' in answer && answer.error !== null) {
    throw new RemoteSignerError(answer.error.code, answer.error.description);
  }
  return answer;
}

const turnOfTheLoop = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
