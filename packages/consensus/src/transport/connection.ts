/**
 * The seam below the links: whatever carries frames between two replicas, and tells of its end.
 *
 * Owns    the contract of a connection and of the network that makes them. LinkTransport says hello, pairs,
 *         dials and gives up above it, over sockets and in a simulated network alike.
 * Never   knows which connection is the link, or what a frame means to Raft.
 * Rule    FIN or reset is told at once as `closed`: the peer or its kernel ended it. What a connection
 *         delivers is what was sent, in order, up to its end.
 * Proof   conformance/transport.ts, through LinkTransport on each network.
 */
import type { ReplicaCertificate } from '../certificates.js';
import type { LinkFault } from '../transport.js';
import type { ReceivedFrame, WireFrame } from '../wire-codec.js';

/** Who is at the other end, as far as the connection itself proves it. */
export type Proof =
  | { readonly kind: 'certificate'; readonly certificate: ReplicaCertificate }
  | { readonly kind: 'none' }
  | {
      readonly kind: 'unacceptable';
      readonly fault: 'identity' | 'insecureAddress' | 'tls';
      readonly detail: string;
    };

export interface ConnectionLimits {
  /** Before the other side is known. */
  readonly maxGreetingBytes: number;
  readonly maxFrameBytes: number;
  /** Waiting to be written; one frame is always taken when nothing waits. */
  readonly maxQueuedBytes: number;
}

export interface ListenerLimits extends ConnectionLimits {
  /** Until TLS stands, on a connection that others opened. */
  readonly handshakeTimeoutMs: number;
  /** Inbound connections at once, links or not; more are closed at once. */
  readonly maxInbound: number;
}

export interface ConnectionEnd {
  readonly cause: 'closed' | 'lost';
  readonly fault: LinkFault['kind'];
  readonly detail: string;
}

export interface ConnectionHandlers {
  /** Something arrived, perhaps a part of a frame: the other side is not silent. Before `onFrame`. */
  onHeard(): void;
  onFrame(received: ReceivedFrame): void;
  /** Once, and nothing after it. Not called after `end`. */
  onEnd(end: ConnectionEnd): void;
}

export interface Connection {
  readonly remoteAddress: string;
  /** The other side is known: from now on a frame may be as large as a snapshot. */
  raiseFrameLimit(): void;
  /** @returns false where the frame was dropped */
  send(clusterId: string, frame: WireFrame): boolean;
  /** Gives up on it, and tells the handler. */
  fail(fault: LinkFault['kind'], detail: string): void;
  /**
   * Sends what waits, then closes; tells nobody.
   * @returns when it is closed
   */
  end(): Promise<void>;
}

/** Begins the course of a connection: nothing is told before. To be called once. */
export type OpenConnection = (handlers: ConnectionHandlers) => Connection;

export interface ListenerHandlers {
  /** Connected, and with TLS its chain verified. To be opened before this returns. */
  onInbound(open: OpenConnection, proof: Proof): void;
  /** It did not come so far. */
  onInboundFailed(fault: LinkFault): void;
}

export interface Listener {
  /** With the port that was taken. */
  readonly address: string;
  /** Takes nobody any more. */
  refuse(): void;
  /** After `refuse`: cuts whatever others still hold open. Resolves when nothing is. */
  close(): Promise<void>;
}

export interface LinkNetwork {
  /** @throws ConsensusError CONSENSUS_ADDRESS_INVALID, CONSENSUS_INSECURE_ADDRESS */
  checkPeerAddress(address: string): void;
  /** @throws ConsensusError CONSENSUS_ADDRESS_INVALID, CONSENSUS_INSECURE_ADDRESS, CONSENSUS_LISTEN_FAILED */
  listen(address: string, limits: ListenerLimits, handlers: ListenerHandlers): Promise<Listener>;
  /** @param onReady once it stands, never before this has returned */
  dial(
    address: string,
    limits: ConnectionLimits,
    handlers: ConnectionHandlers,
    onReady: (proof: Proof) => void,
  ): Connection;
}
