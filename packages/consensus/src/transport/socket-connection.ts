/**
 * One socket, as a stream of frames with an end.
 *
 * Owns    framing, the bound on what waits to be written, and how the end is told.
 * Never   knows who is at the other end, or what a frame means.
 * Proof   test/transport-*.test.ts.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ConsensusError } from '../errors.js';
import type { LinkFault } from '../transport.js';
import { decodeFrame, encodeFrame, type ReceivedFrame, type WireFrame } from '../wire-codec.js';
import { remoteAddressOf } from './address.js';
import type { Connection, ConnectionHandlers, ConnectionLimits } from './connection.js';
import { FrameReader, framed } from './framing.js';

const lingerMs = 250;
const endedByPeer: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** A chain that does not verify, or an alert: TLS 1.3 tells a client late that it was not taken. */
function isTlsFailure(socket: Socket, { code = '' }: NodeJS.ErrnoException): boolean {
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return true;
  return socket instanceof TLSSocket && Boolean(socket.authorizationError);
}

export class SocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #handlers: ConnectionHandlers;
  readonly #reader: FrameReader;
  #over = false;

  constructor(socket: Socket, limits: ConnectionLimits, handlers: ConnectionHandlers) {
    this.#socket = socket;
    this.#limits = limits;
    this.#handlers = handlers;
    this.remoteAddress = remoteAddressOf(socket);
    this.#reader = new FrameReader(limits.maxGreetingBytes);
    // Here and not among the options of connect: TLS sockets drop it there, and an answer would then wait
    // for the other side's next heartbeat.
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#finish('closed', 'unfinished', 'the other side closed'));
    socket.on('close', () => this.#finish('closed', 'unfinished', 'the connection closed'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const cause = endedByPeer.has(error.code ?? '') ? 'closed' : 'lost';
      this.#finish(cause, isTlsFailure(socket, error) ? 'tls' : 'unfinished', error.message);
    });
  }

  raiseFrameLimit(): void {
    this.#reader.maxFrameBytes = this.#limits.maxFrameBytes;
  }

  send(clusterId: string, frame: WireFrame): boolean {
    if (this.#over || !this.#socket.writable) return false;
    const payload = encodeFrame(clusterId, frame);
    const queued = this.#socket.writableLength;
    if (payload.length > this.#limits.maxFrameBytes) return false;
    if (queued > 0 && queued + payload.length > this.#limits.maxQueuedBytes) return false;
    // At once, and not with the end of this turn: an append is on its way while its leader writes its own log. Where
    // the socket is still busy, what comes meanwhile leaves together.
    this.#socket.write(framed(payload));
    return true;
  }

  fail(fault: LinkFault['kind'], detail: string): void {
    this.#finish('lost', fault, detail);
  }

  /** The other side gets `lingerMs` to close too. */
  async end(): Promise<void> {
    this.#over = true;
    if (this.#socket.closed) return;
    const closed = once(this.#socket, 'close');
    const linger = setTimeout(() => this.#socket.destroy(), lingerMs);
    // A socket that never connected has nothing to write.
    if (this.#socket.connecting) this.#socket.destroy();
    else this.#socket.end();
    // `once` rejects on an error; a close follows it.
    await closed.catch(() => once(this.#socket, 'close'));
    clearTimeout(linger);
  }

  #onData(chunk: Buffer): void {
    if (!this.#over) this.#handlers.onHeard();
    this.#reader.push(chunk);
    for (let next = this.#reader.next(); next !== null; next = this.#reader.next()) {
      if (this.#over) return;
      if (next.kind === 'oversized') {
        const detail = `a frame of ${next.bytes} bytes, at most ${this.#reader.maxFrameBytes}`;
        this.#finish('lost', 'oversized', detail);
        return;
      }
      const received = this.#decode(next.payload);
      if (received === null) return;
      this.#handlers.onFrame(received);
    }
  }

  #decode(payload: Uint8Array): ReceivedFrame | null {
    try {
      return decodeFrame(payload);
    } catch (error) {
      if (!(error instanceof ConsensusError)) throw error;
      this.#finish('lost', 'malformed', error.message);
      return null;
    }
  }

  #finish(cause: 'closed' | 'lost', fault: LinkFault['kind'], detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#handlers.onEnd({ cause, fault, detail });
  }
}
