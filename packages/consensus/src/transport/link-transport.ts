/**
 * The links between replicas, over a network of connections: sockets, or a simulated one.
 *
 * Owns    when to listen and to dial, and the one link in use per peer.
 * Never   retries a frame or knows what it means. Nothing that a stranger sends ends the process.
 * Rule    Both sides dial, a side only while it has no link; pairing.ts says which connection is used.
 * Proof   conformance/transport.ts on both kinds of security and in the simulator; test/transport-strangers.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import { type Clock, type Entropy, systemClock, systemEntropy } from '../clock.js';
import type { MemberId } from '../core/types.js';
import type {
  HeardFrame,
  Hello,
  LinkFault,
  LinkFrame,
  PeerEndpoint,
  Transport,
  TransportHandlers,
} from '../transport.js';
import type {
  ConnectionEnd,
  LinkNetwork,
  Listener,
  ListenerLimits,
  OpenConnection,
} from './connection.js';
import { Dialer } from './dialer.js';
import { Link, type LinkOwner } from './link.js';
import { nextToOffer, offers } from './pairing.js';
import type { LinkSecurity } from './security.js';
import { SocketNetwork } from './socket-network.js';

export type LinkTransportOptions = {
  readonly self: MemberId;
  /** host:port to listen on; port 0 takes a free one. */
  readonly listen: string;
  readonly limits?: Partial<LinkLimits>;
  /** Where absent, the system's. */
  readonly clock?: Clock;
  readonly entropy?: Entropy;
} & (
  | { readonly security: LinkSecurity; readonly network?: undefined }
  /** Another network than sockets. */
  | { readonly network: LinkNetwork }
);

export interface LinkLimits extends Omit<ListenerLimits, 'handshakeTimeoutMs'> {
  /** From dialling until TCP and TLS stand, on either side. */
  readonly dialTimeoutMs: number;
  /** From then until both sides accepted. */
  readonly greetingTimeoutMs: number;
  readonly tickIntervalMs: number;
  /** Ticks without a byte after which a link is lost. */
  readonly maxSilentTicks: number;
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
  readonly #self: MemberId;
  readonly #listen: string;
  readonly #network: LinkNetwork;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #limits: LinkLimits;
  readonly #links = new Map<MemberId, Link>();
  /** Every connection that is open, in use or not: what `stop` must end. */
  readonly #open = new Set<Link>();
  readonly #dialers = new Map<string, Dialer>();
  readonly #owner: LinkOwner;
  #handlers: TransportHandlers | null = null;
  #hello: () => Hello;
  #listener: Listener | null = null;
  #cancelTick = (): void => {};
  #stopped = false;

  constructor(options: LinkTransportOptions) {
    this.#self = options.self;
    this.#listen = options.listen;
    this.#network = options.network ?? new SocketNetwork(options.security);
    this.#clock = options.clock ?? systemClock;
    this.#entropy = options.entropy ?? systemEntropy;
    this.#limits = { ...defaultLinkLimits, ...options.limits };
    this.#hello = () => invariant(false, 'no link before start') as never;
    this.#owner = {
      self: this.#self,
      clock: this.#clock,
      maxSilentTicks: this.#limits.maxSilentTicks,
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
    invariant(this.#listener !== null && !this.#stopped, 'the transport listens');
    return this.#listener.address;
  }

  async start(handlers: TransportHandlers, hello: () => Hello): Promise<void> {
    invariant(this.#handlers === null, 'a transport is started once');
    this.#handlers = handlers;
    this.#hello = hello;
    const limits = { ...this.#limits, handshakeTimeoutMs: this.#limits.dialTimeoutMs };
    const listener = await this.#network.listen(this.#listen, limits, {
      onInbound: (open, proof) => {
        if (this.#stopped) return;
        this.#watch(open, null).greet(proof, this.#limits.greetingTimeoutMs);
      },
      onInboundFailed: (fault) => {
        if (!this.#stopped) this.#told().onInboundFailed(fault);
      },
    });
    if (this.#stopped) {
      listener.refuse();
      await listener.close();
      return;
    }
    this.#listener = listener;
    this.#tickLater();
    for (const dialer of this.#dialers.values()) dialer.wake();
  }

  send(to: MemberId, frame: LinkFrame): boolean {
    return this.#links.get(to)?.send(frame) ?? false;
  }

  setPeers(peers: readonly PeerEndpoint[]): void {
    for (const { address } of peers) this.#network.checkPeerAddress(address);
    const ids = new Map(peers.map(({ name, id }) => [name, id]));
    for (const [name, dialer] of this.#dialers) {
      if (ids.has(name)) continue;
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
      if (said === null) continue;
      // Whoever took the place may have taken the name.
      const stays = ids.has(said.name) && (ids.get(said.name) ?? said.from) === said.from;
      if (!stays) this.#drop(link, 'no longer a peer');
    }
    for (const dialer of this.#dialers.values()) dialer.wake();
  }

  isUp(peer: MemberId): boolean {
    return this.#links.has(peer);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTick();
    for (const dialer of this.#dialers.values()) dialer.stop();
    this.#dialers.clear();
    // What was said before this is still written.
    const ended = [...this.#open].map((link) => link.end());
    this.#open.clear();
    this.#links.clear();
    this.#listener?.refuse();
    await Promise.all(ended);
    await this.#listener?.close();
  }

  #told(): TransportHandlers {
    invariant(this.#handlers !== null, 'the transport was started');
    return this.#handlers;
  }

  // ------------------------------------------------------------------------------ connections

  #createDialer(peer: PeerEndpoint): Dialer {
    const dialer = new Dialer(peer, {
      clock: this.#clock,
      entropy: this.#entropy,
      needed: (to) => this.#handlers !== null && !this.#stopped && this.#linkTo(to) === undefined,
      dial: (to) => this.#dial(to),
    });
    dialer.wake();
    return dialer;
  }

  #dial(peer: PeerEndpoint): Link {
    const link = this.#watch(
      (handlers) =>
        this.#network.dial(peer.address, this.#limits, handlers, (proof) =>
          link.greet(proof, this.#limits.greetingTimeoutMs),
        ),
      peer,
    );
    link.expectWithin(this.#limits.dialTimeoutMs, 'connection');
    return link;
  }

  #watch(open: OpenConnection, dialled: PeerEndpoint | null): Link {
    const link = new Link(open, dialled, this.#owner);
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
    if (this.#stopped || peer === undefined || !offers(this.#self, peer)) return;
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

  #onFrame(link: Link, frame: HeardFrame): void {
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

  #tickLater(): void {
    this.#cancelTick = this.#clock.after(this.#limits.tickIntervalMs, () => {
      this.#tickLater();
      for (const link of this.#open) link.tick();
    });
  }
}

function isOf(link: Link, { from, runId }: Hello): boolean {
  return link.remote?.from === from && link.remote.runId === runId;
}
