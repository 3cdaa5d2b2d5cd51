/**
 * The links between replicas over TCP: TLS 1.3 with certificates, or bare on loopback.
 *
 * Owns    the listening socket, the dials, and the one link in use per peer.
 * Never   retries a frame or knows what it means. Nothing that a stranger sends ends the process.
 * Rule    Both sides dial, a side only while it has no link; pairing.ts says which connection is used.
 * Proof   conformance/transport.ts on both kinds of security; test/transport-strangers.test.ts.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { invariant } from '@cometkms/invariant';
import type { MemberId } from '../core/types.js';
import { ConsensusError } from '../errors.js';
import type {
  Hello,
  LinkFault,
  LinkFrame,
  PeerEndpoint,
  Transport,
  TransportHandlers,
} from '../transport.js';
import { isForeignAddress, isLoopback, parseAddress } from './address.js';
import type { ConnectionEnd, ConnectionLimits } from './connection.js';
import { Dialer } from './dialer.js';
import { Link, type LinkOwner } from './link.js';
import { nextToOffer, offers } from './pairing.js';
import { createLinkServer, dialLink, type LinkSecurity, proofOf } from './security.js';

export interface LinkTransportOptions {
  readonly self: MemberId;
  /** host:port to listen on; port 0 takes a free one. */
  readonly listen: string;
  readonly security: LinkSecurity;
  readonly limits?: Partial<LinkLimits>;
}

export interface LinkLimits extends ConnectionLimits {
  /** From dialling until TCP and TLS stand. */
  readonly dialTimeoutMs: number;
  /** From then until both sides accepted. */
  readonly greetingTimeoutMs: number;
  readonly tickIntervalMs: number;
  /** Inbound connections at once, links or not; more are closed at once. */
  readonly maxInbound: number;
}

export const defaultLinkLimits: LinkLimits = {
  dialTimeoutMs: 2_000,
  greetingTimeoutMs: 3_000,
  tickIntervalMs: 1_000,
  maxSilentTicks: 5,
  maxInbound: 64,
  maxGreetingBytes: 64 * 1024,
  maxFrameBytes: 64 * 1024 * 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
};

export class LinkTransport implements Transport {
  readonly #options: LinkTransportOptions;
  readonly #limits: LinkLimits;
  readonly #links = new Map<MemberId, Link>();
  /** Every connection that is open, in use or not: what `stop` must end. */
  readonly #open = new Set<Link>();
  /** The bare sockets that others opened, also before TLS is done. */
  readonly #inbound = new Set<Socket>();
  readonly #dialers = new Map<string, Dialer>();
  readonly #owner: LinkOwner;
  #handlers: TransportHandlers | null = null;
  #hello: () => Hello;
  #server: Server | null = null;
  #ticks: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LinkTransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultLinkLimits, ...options.limits };
    this.#hello = () => invariant(false, 'no link before start') as never;
    this.#owner = {
      self: options.self,
      hello: () => this.#hello(),
      judge: (hello) => this.#told().onHello(hello),
      onGreeted: (link) => this.#offerTo(link.remote?.from),
      onAgreed: (link) => this.#onAgreed(link),
      onFrame: (link, frame) => this.#onFrame(link, frame),
      onFailed: (link, fault) => this.#onFailed(link, fault),
      onEnd: (link, end) => this.#onEnd(link, end),
    };
  }

  /** Where others reach this replica, with the port that was taken. Only between `start` and `stop`. */
  get address(): string {
    const bound = this.#server?.address() as AddressInfo | null | undefined;
    invariant(bound, 'the transport listens');
    return bound.family === 'IPv6'
      ? `[${bound.address}]:${bound.port}`
      : `${bound.address}:${bound.port}`;
  }

  async start(handlers: TransportHandlers, hello: () => Hello): Promise<void> {
    invariant(this.#handlers === null, 'a transport is started once');
    this.#handlers = handlers;
    this.#hello = hello;
    const { host, port } = parseAddress(this.#options.listen);
    if (this.#options.security.kind === 'insecure' && host !== 'localhost' && !isLoopback(host)) {
      throw new ConsensusError('CONSENSUS_INSECURE_ADDRESS', { address: this.#options.listen });
    }
    const server = this.#createServer();
    this.#server = server;
    try {
      server.listen(port, host);
      await once(server, 'listening');
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      const facts = { address: this.#options.listen, detail };
      throw new ConsensusError('CONSENSUS_LISTEN_FAILED', facts, { cause });
    }
    this.#ticks = setInterval(() => this.#tick(), this.#limits.tickIntervalMs);
    for (const dialer of this.#dialers.values()) dialer.wake();
  }

  send(to: MemberId, frame: LinkFrame): boolean {
    return this.#links.get(to)?.send(frame) ?? false;
  }

  setPeers(peers: readonly PeerEndpoint[]): void {
    for (const { address } of peers) {
      const { host } = parseAddress(address);
      if (this.#options.security.kind === 'insecure' && isForeignAddress(host)) {
        throw new ConsensusError('CONSENSUS_INSECURE_ADDRESS', { address });
      }
    }
    const names = new Set(peers.map(({ name }) => name));
    for (const [name, dialer] of this.#dialers) {
      if (names.has(name)) continue;
      dialer.stop();
      this.#dialers.delete(name);
    }
    for (const peer of peers) {
      const known = this.#dialers.get(peer.name);
      if (known) known.peer = peer;
      else this.#dialers.set(peer.name, this.#createDialer(peer));
    }
    for (const link of this.#open) {
      const said = link.remote;
      if (said !== null && !names.has(said.name)) this.#drop(link, 'no longer a peer');
    }
  }

  isUp(peer: MemberId): boolean {
    return this.#links.has(peer);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#ticks);
    for (const dialer of this.#dialers.values()) dialer.stop();
    this.#dialers.clear();
    // What was said before this is still written.
    const ended = [...this.#open].map((link) => link.end());
    this.#open.clear();
    this.#links.clear();
    const server = this.#server;
    const closed = server?.listening ? once(server, 'close') : null;
    server?.close();
    await Promise.all(ended);
    // Strangers in the middle of a handshake: the server would wait for them.
    for (const socket of this.#inbound) socket.destroy();
    await closed;
  }

  #told(): TransportHandlers {
    invariant(this.#handlers !== null, 'the transport was started');
    return this.#handlers;
  }

  // ------------------------------------------------------------------------------ connections

  #createServer(): Server {
    const { security } = this.#options;
    const server = createLinkServer(
      security,
      this.#limits.dialTimeoutMs,
      (socket) => this.#onInbound(socket),
      (error, socket) => {
        const remoteAddress = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
        if (this.#stopped) return;
        this.#told().onInboundFailed({ kind: 'tls', detail: error.message, remoteAddress });
      },
    );
    // `connection` is the bare socket, also under TLS, where a handshake has cost nothing yet.
    server.prependListener('connection', (socket: Socket) => {
      if (this.#stopped || this.#inbound.size >= this.#limits.maxInbound) {
        socket.destroy();
        return;
      }
      this.#inbound.add(socket);
      socket.once('close', () => this.#inbound.delete(socket));
    });
    return server;
  }

  #onInbound(socket: Socket): void {
    // Destroyed: `connection` above found too many, before TLS or this listener heard of it.
    if (this.#stopped || socket.destroyed) return;
    const link = this.#watch(socket, null);
    link.greet(proofOf(this.#options.security, socket), this.#limits.greetingTimeoutMs);
  }

  #createDialer(peer: PeerEndpoint): Dialer {
    const dialer = new Dialer(peer, {
      needed: (to) => this.#handlers !== null && this.#linkTo(to) === undefined,
      dial: (to) => this.#dial(to),
    });
    dialer.wake();
    return dialer;
  }

  #dial(peer: PeerEndpoint): Link {
    const socket = dialLink(this.#options.security, peer.address, () => {
      link.greet(proofOf(this.#options.security, socket), this.#limits.greetingTimeoutMs);
    });
    const link = this.#watch(socket, peer);
    link.expectWithin(this.#limits.dialTimeoutMs, 'connection');
    return link;
  }

  #watch(socket: Socket, dialled: PeerEndpoint | null): Link {
    const link = new Link(socket, dialled, this.#owner, this.#limits);
    this.#open.add(link);
    return link;
  }

  #linkTo({ id, name }: PeerEndpoint): Link | undefined {
    if (id !== null) return this.#links.get(id);
    for (const link of this.#links.values()) if (link.remote?.name === name) return link;
    return undefined;
  }

  // ------------------------------------------------------------------------------ their course

  /** Where offering is ours: the next connection with this peer, if one may be offered now. */
  #offerTo(peer: MemberId | undefined): void {
    if (this.#stopped || peer === undefined || !offers(this.#options.self, peer)) return;
    const candidates = [...this.#open]
      .filter((link) => link.isGreeted && link.remote?.from === peer)
      .map((link) => ({ link, runId: link.remote?.runId ?? '', offered: link.isOffered }));
    nextToOffer(candidates, this.#links.get(peer)?.remote?.runId ?? null)?.link.offer();
  }

  #onAgreed(link: Link): void {
    this.#greeted(link);
    const said = link.remote;
    invariant(said !== null, 'both sides accepted after both hellos');
    const earlier = this.#links.get(said.from);
    this.#links.set(said.from, link);
    this.#letGo(link, said);
    if (earlier !== undefined) {
      this.#close(earlier);
      // Of the same process: it gave the earlier link up before it agreed to this one.
      const cause = earlier.remote?.runId === said.runId ? 'lost' : 'closed';
      this.#told().onDown(said.from, cause, 'the peer linked anew');
    }
    // Whoever is told may stop this transport, or be told of the end of this very link.
    if (this.#links.get(said.from) === link) this.#told().onUp(said.from);
  }

  /** Other connections with this run of the peer, and our own dials to it, came second. */
  #letGo(link: Link, said: Hello): void {
    for (const other of this.#open) {
      const same = other.remote === null ? other.dialled?.name === said.name : isOf(other, said);
      if (other === link || !same || this.#links.get(said.from) === other) continue;
      if (!other.isGreeted && other.remote !== null) continue;
      this.#greeted(other);
      this.#close(other);
    }
  }

  #onFrame(link: Link, frame: LinkFrame): void {
    const peer = link.remote?.from;
    // A connection that gave way says nothing more: its frames would be out of order.
    if (peer !== undefined && this.#links.get(peer) === link) this.#told().onFrame(peer, frame);
  }

  #onFailed(link: Link, fault: LinkFault): void {
    this.#greeted(link);
    this.#open.delete(link);
    if (this.#stopped) return;
    if (link.dialled !== null) this.#dialers.get(link.dialled.name)?.failed(fault);
    this.#offerTo(link.remote?.from);
    // The other side let it go for the one that is in use: nothing failed.
    const linked = link.remote !== null && this.#links.has(link.remote.from);
    if (linked && fault.kind === 'unfinished') return;
    if (link.dialled === null) this.#told().onInboundFailed(fault);
    else this.#told().onDialFailed(link.dialled, fault);
  }

  #onEnd(link: Link, end: ConnectionEnd): void {
    this.#open.delete(link);
    const peer = link.remote?.from;
    if (peer === undefined || this.#links.get(peer) !== link) return;
    this.#links.delete(peer);
    this.#told().onDown(peer, end.cause, end.detail);
    this.#offerTo(peer);
    for (const dialer of this.#dialers.values()) dialer.wake();
  }

  #greeted(link: Link): void {
    if (link.dialled !== null) this.#dialers.get(link.dialled.name)?.done(link);
  }

  #close(link: Link): void {
    this.#open.delete(link);
    void link.end();
  }

  #drop(link: Link, detail: string): void {
    this.#close(link);
    const peer = link.remote?.from;
    if (peer === undefined || this.#links.get(peer) !== link) return;
    this.#links.delete(peer);
    this.#told().onDown(peer, 'lost', detail);
  }

  #tick(): void {
    for (const link of this.#open) link.tick();
  }
}

function isOf(link: Link, { from, runId }: Hello): boolean {
  return link.remote?.from === from && link.remote.runId === runId;
}
