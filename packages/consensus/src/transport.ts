/**
 * The contract of the links between replicas.
 *
 * Owns    who is at the other end (proved by its certificate), ordered frames while a link lasts, and its end.
 * Never   retries, queues beyond a bound, or knows what a frame means to Raft.
 * Proof   conformance/transport.ts runs on each implementation.
 */
import type { MemberId, Message } from './core/types.js';

/** What each side says first. Everything else on the link comes after both were accepted. */
export interface Hello {
  readonly clusterId: string;
  /** Where TLS proves the identity, this must equal it; with `--insecure-raft` it is all there is. */
  readonly from: MemberId;
  readonly name: string;
  readonly version: string;
  readonly boot: number;
  readonly runId: string;
  readonly term: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
  /** False until `replica.json` is written. */
  readonly joined: boolean;
  /** True where nothing was ever written to this replica's log. */
  readonly emptyLog: boolean;
  /** Digest of the member list that this replica was given: ids and names, not addresses. */
  readonly membersDigest: string;
  /** Digest of what should be the same everywhere (timers, chains, keys); a difference is a warning. */
  readonly configDigest: string;
}

export type LinkFrame =
  | { readonly kind: 'raft'; readonly message: Message }
  /** Founding (design 4.8): only before this cluster is founded, and by its coordinator. */
  | { readonly kind: 'found'; readonly genesis: Uint8Array }
  /** Said anew when something in the hello changed: joined, or the log's ends. */
  | { readonly kind: 'hello'; readonly hello: Hello }
  /** Opaque to consensus: forwarded sign requests, statements about chains. */
  | { readonly kind: 'application'; readonly payload: Uint8Array };

export interface PeerEndpoint {
  readonly id: MemberId | null;
  readonly name: string;
  readonly address: string;
}

export interface TransportHandlers {
  /** Judged before the link counts as up; a returned reason closes it and is logged on both sides. */
  onHello(
    hello: Hello,
  ): { readonly accept: true } | { readonly accept: false; readonly reason: string };
  onFrame(from: MemberId, frame: LinkFrame): void;
  onUp(peer: MemberId): void;
  /** `closed`: FIN or reset arrived, so the process or its kernel ended it. `lost`: we gave up on it. */
  onDown(peer: MemberId, cause: 'closed' | 'lost', detail: string): void;
  /** A dial or handshake that failed; for the log and `/status`. Rate-limited by the receiver. */
  onDialFailed(peer: PeerEndpoint, detail: string): void;
}

export interface Transport {
  /** Listens, and keeps one link to each peer. The hello is read anew for each link. */
  start(handlers: TransportHandlers, hello: () => Hello): Promise<void>;
  /** Best effort and in order; dropped where no link is up or its bounded queue is full. False: dropped. */
  send(to: MemberId, frame: LinkFrame): boolean;
  /** Replaces the peers to keep links with. */
  setPeers(peers: readonly PeerEndpoint[]): void;
  isUp(peer: MemberId): boolean;
  stop(): Promise<void>;
}
