/**
 * The node's end of a connection: what a Go program sees of a socket.
 *
 * Owns    half-open behaviour: after the signer's FIN a node may still write, and learns only then that nobody
 *         is there.
 * Never   closes on FIN, as the signer's own end of a connection does.
 */
import type { Socket } from 'node:net';
import {
  type Connection,
  PrivvalError,
  type Receiver,
  type TransportKind,
} from '@cometkms/privval';

export class NodeSocket implements Connection {
  /** The signer sent FIN: a read gives EOF. */
  fin = false;
  /** The kernel reported an error (a reset): reads and writes fail. */
  broken = false;
  /** Told of the FIN once the connection stands: what lies above must still be able to write. */
  onFin: (() => void) | null = null;
  #receiver: Receiver | null = null;

  /** @param socket of a server with `allowHalfOpen`; paused until `start` */
  constructor(
    readonly socket: Socket,
    readonly transport: TransportKind,
  ) {
    socket.setNoDelay(true);
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => {
      this.fin = true;
      if (this.onFin !== null) this.onFin();
      else this.#receiver?.closed(new PrivvalError('PRIVVAL_CLOSED', { by: 'signer' }));
    });
    socket.on('close', () => {
      this.broken = true;
    });
  }

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
    this.socket.on('data', (bytes) => receiver.data(bytes, performance.now()));
    if (this.fin || this.broken) {
      queueMicrotask(() => receiver.closed(new PrivvalError('PRIVVAL_CLOSED', { by: 'signer' })));
    }
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  end(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.destroy();
  }

  #fail(error: Error): void {
    this.broken = true;
    this.#receiver?.closed(
      new PrivvalError('PRIVVAL_LOST', { detail: error.message }, { cause: error }),
    );
  }
}
