/**
 * One open connection to a validator, as a stream of plain bytes.
 *
 * Owns    the interface that sessions use; the socket itself, its end, its reset and its errors.
 * Never   frames messages, encrypts (SecretConnection stands on top), or delivers after its end.
 * Proof   test/session.test.ts, over unix sockets and over SecretConnections alike.
 */
import type { Socket } from 'node:net';
import { PrivvalError } from './errors.js';

export type TransportKind = 'tcp' | 'unix';

/** Called in order: data any number of times, then closed exactly once. */
export interface Receiver {
  /** @param receivedMs when the operating system handed them over, on `performance.now()` */
  data(bytes: Uint8Array, receivedMs: number): void;
  /** PRIVVAL_CLOSED after a FIN or our own end; otherwise what broke the stream. */
  closed(cause: PrivvalError): void;
}

export interface Connection {
  readonly transport: TransportKind;
  /** Written here, but not yet taken by the operating system. */
  readonly unsentBytes: number;
  /** Delivery begins; nothing that came earlier is lost. Called once. */
  start(receiver: Receiver): void;
  /** After an end or reset nothing is written any more. */
  write(bytes: Uint8Array): void;
  /** Sends what was written, then FIN; reads no more. */
  end(): void;
  /** RST on tcp, so that the node drops the connection at once; Node has none on unix: closed. */
  reset(): void;
}

/** How long an ended connection may take to send its last bytes to a peer that does not read. */
const lingerMs = 1000;

export class PlainConnection implements Connection {
  #receiver: Receiver | null = null;
  #ended = false;
  #failure: Error | null = null;
  #closed = false;

  /** @param socket connected, without listeners for data; it is this object's from here on */
  constructor(
    readonly socket: Socket,
    readonly transport: TransportKind,
  ) {
    // From the first moment: an error event without a listener would end the process.
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.once('close', () => {
      this.#closed = true;
      this.#receiver?.closed(this.#cause());
    });
    this.#closed = socket.closed;
    // Nobody here half-closes. Without this, a peer that sends FIN and never reads keeps us open.
    socket.once('end', () => socket.destroy());
  }

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#closed) {
      queueMicrotask(() => receiver.closed(this.#cause()));
      return;
    }
    this.socket.on('data', (bytes) => {
      if (!this.#ended) receiver.data(bytes, performance.now());
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.#ended && this.socket.writable) this.socket.write(bytes);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.socket.destroySoon();
    const linger = setTimeout(() => this.socket.destroy(), lingerMs);
    this.socket.once('close', () => clearTimeout(linger));
  }

  reset(): void {
    this.#ended = true;
    if (this.transport === 'tcp') this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  #cause(): PrivvalError {
    if (this.#ended) return new PrivvalError('PRIVVAL_CLOSED', { by: 'signer' });
    const cause = this.#failure;
    if (cause === null) return new PrivvalError('PRIVVAL_CLOSED', { by: 'validator' });
    return new PrivvalError('PRIVVAL_LOST', { detail: cause.message }, { cause });
  }
}
