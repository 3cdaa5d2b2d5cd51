/**
 * Connections over TCP: TLS 1.3 with certificates, or bare on loopback.
 *
 * Owns    the listening socket, the dialled ones, and the bare sockets that others opened.
 * Never   says a word on a connection. Nothing that a stranger sends ends the process.
 * Proof   conformance/transport.ts on both kinds of security; test/transport-strangers.test.ts.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { ConsensusError } from '../errors.js';
import { isForeignAddress, isLoopback, parseAddress, remoteAddressOf } from './address.js';
import type {
  Connection,
  ConnectionHandlers,
  ConnectionLimits,
  LinkNetwork,
  Listener,
  ListenerHandlers,
  ListenerLimits,
  Proof,
} from './connection.js';
import { createLinkServer, dialLink, type LinkSecurity, proofOf } from './security.js';
import { SocketConnection } from './socket-connection.js';

export class SocketNetwork implements LinkNetwork {
  readonly #security: LinkSecurity;

  constructor(security: LinkSecurity) {
    this.#security = security;
  }

  checkPeerAddress(address: string): void {
    const { host } = parseAddress(address);
    if (this.#security.kind === 'insecure' && isForeignAddress(host)) {
      throw new ConsensusError('CONSENSUS_INSECURE_ADDRESS', { address });
    }
  }

  async listen(
    address: string,
    limits: ListenerLimits,
    handlers: ListenerHandlers,
  ): Promise<Listener> {
    const { host, port } = parseAddress(address);
    if (this.#security.kind === 'insecure' && host !== 'localhost' && !isLoopback(host)) {
      throw new ConsensusError('CONSENSUS_INSECURE_ADDRESS', { address });
    }
    const listener = new SocketListener(this.#security, limits, handlers);
    try {
      await listener.listen(port, host);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new ConsensusError('CONSENSUS_LISTEN_FAILED', { address, detail }, { cause });
    }
    return listener;
  }

  dial(
    address: string,
    limits: ConnectionLimits,
    handlers: ConnectionHandlers,
    onReady: (proof: Proof) => void,
  ): Connection {
    const socket = dialLink(this.#security, address, () =>
      onReady(proofOf(this.#security, socket)),
    );
    return new SocketConnection(socket, limits, handlers);
  }
}

class SocketListener implements Listener {
  readonly #server: Server;
  readonly #security: LinkSecurity;
  readonly #limits: ListenerLimits;
  readonly #handlers: ListenerHandlers;
  /** The bare sockets that others opened, also before TLS is done. */
  readonly #inbound = new Set<Socket>();
  #refusing = false;
  #closed: Promise<unknown> | null = null;

  constructor(security: LinkSecurity, limits: ListenerLimits, handlers: ListenerHandlers) {
    this.#security = security;
    this.#limits = limits;
    this.#handlers = handlers;
    this.#server = this.#createServer();
  }

  get address(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
  }

  async listen(port: number, host: string): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  refuse(): void {
    this.#refusing = true;
    this.#closed = once(this.#server, 'close');
    this.#server.close();
  }

  async close(): Promise<void> {
    // Strangers in the middle of a handshake: the server would wait for them.
    for (const socket of this.#inbound) socket.destroy();
    await this.#closed;
  }

  #createServer(): Server {
    const server = createLinkServer(
      this.#security,
      this.#limits.handshakeTimeoutMs,
      (socket) => this.#onSocket(socket),
      (error, socket) => {
        if (this.#refusing) return;
        const remoteAddress = remoteAddressOf(socket);
        this.#handlers.onInboundFailed({ kind: 'tls', detail: error.message, remoteAddress });
      },
    );
    // `connection` is the bare socket, also under TLS, where a handshake has cost nothing yet.
    server.prependListener('connection', (socket: Socket) => {
      if (this.#refusing || this.#inbound.size >= this.#limits.maxInbound) {
        socket.destroy();
        return;
      }
      this.#inbound.add(socket);
      socket.once('close', () => this.#inbound.delete(socket));
    });
    return server;
  }

  #onSocket(socket: Socket): void {
    // Destroyed: `connection` above found too many, before TLS or this listener heard of it.
    if (this.#refusing || socket.destroyed) return;
    this.#handlers.onInbound(
      (handlers) => new SocketConnection(socket, this.#limits, handlers),
      proofOf(this.#security, socket),
    );
  }
}
