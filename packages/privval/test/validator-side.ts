/**
 * A validator for tests: a real listener, and the node's half of a connection.
 *
 * Owns    listeners on free ports and in temporary directories, which it closes and removes.
 * Never   checks what it is told: tests do. It is no model of a node's timing (that is the interop
 *         room).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { parseValidatorAddress, type ValidatorAddress } from '../src/address.js';
import { type Connection, PlainConnection, type TransportKind } from '../src/connection.js';
import type { PrivvalError } from '../src/errors.js';
import { FrameDecoder, frame } from '../src/framing.js';
import { decodeMessage, encodeMessage } from '../src/message-codec.js';
import type { Message } from '../src/messages.js';
import { createIdentity } from '../src/sealed-frames.js';
import { secretHandshake } from '../src/secret-connection.js';

/** Values that come one by one, for a reader that waits for each. */
export class Feed<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  push(value: T): void {
    const reader = this.#waiting.shift();
    if (reader) reader(value);
    else this.#values.push(value);
  }

  next(): Promise<T> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve(value);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** What came and was not read. */
  get unread(): readonly T[] {
    return this.#values;
  }
}

export class Listener {
  readonly #sockets = new Set<Socket>();
  readonly accepted = new Feed<Socket>();
  acceptedCount = 0;

  private constructor(
    readonly server: Server,
    readonly address: ValidatorAddress,
  ) {
    server.on('connection', (socket) => {
      this.acceptedCount += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // A test that does not look at this socket must not fail by its reset.
      socket.on('error', () => {});
      this.accepted.push(socket);
    });
  }

  static async open(t: TestContext, kind: TransportKind, address?: string): Promise<Listener> {
    const server = createServer();
    if (kind === 'tcp') {
      const wanted = address === undefined ? 0 : Number(address.split(':').at(-1));
      await new Promise<void>((done) => server.listen(wanted, '127.0.0.1', done));
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
      return Listener.#closing(t, server, `tcp://127.0.0.1:${port}`);
    }
    const directory = await mkdtemp(join(tmpdir(), 'privval-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const path = join(directory, 'privval.sock');
    await new Promise<void>((done) => server.listen(path, done));
    return Listener.#closing(t, server, `unix://${path}`);
  }

  static #closing(t: TestContext, server: Server, text: string): Listener {
    const listener = new Listener(server, parseValidatorAddress(text));
    t.after(() => listener.close());
    return listener;
  }

  /** Accepts the next connection as a node does: one whose handshake fails is passed over. */
  async node(): Promise<NodeSide> {
    const socket = await this.accepted.next();
    const { kind } = this.address;
    const plain = new PlainConnection(socket, kind);
    if (kind === 'unix') return new NodeSide(plain, socket);
    try {
      const secured = await secretHandshake(plain, { identity: createIdentity() });
      return new NodeSide(secured, socket);
    } catch {
      return this.node();
    }
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((done) => this.server.close(() => done()));
  }
}

/** The node's half: it asks, and keeps every answer that comes. */
export class NodeSide {
  readonly answers = new Feed<Message>();
  readonly closed: Promise<PrivvalError>;

  constructor(
    readonly connection: Connection,
    readonly socket: Socket,
  ) {
    const decoder = new FrameDecoder();
    this.closed = new Promise((resolve) => {
      connection.start({
        data: (bytes) => {
          decoder.push(bytes);
          for (let body = decoder.next(); body !== undefined; body = decoder.next()) {
            this.answers.push(decodeMessage(body));
          }
        },
        closed: resolve,
      });
    });
  }

  send(...messages: Message[]): void {
    this.sendBytes(Buffer.concat(messages.map((message) => frame(encodeMessage(message)))));
  }

  sendBytes(bytes: Uint8Array): void {
    this.connection.write(bytes);
  }

  /** Sends, and waits for one answer, or for the end of the connection. */
  async ask(message: Message): Promise<Message | PrivvalError> {
    this.send(message);
    return Promise.race([this.answers.next(), this.closed]);
  }

  /** The system's error code at this end: ECONNRESET after an RST, undefined after a FIN. */
  async closeCode(): Promise<string | undefined> {
    const { cause } = await this.closed;
    return cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  }
}

/** A machine that is there but accepts nothing: its queue fills up, then it drops what comes. */
export async function frozenListener(t: TestContext): Promise<ValidatorAddress> {
  const frozen = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });
  `;
  const worker = new Worker(frozen, { eval: true });
  t.after(() => worker.terminate());
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  return parseValidatorAddress(`127.0.0.1:${port}`);
}
