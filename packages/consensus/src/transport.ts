/**
 * The contract of the links between replicas.
 *
 * Owns    who is at the other end (proved by its certificate), ordered frames while a link lasts, and its end.
 * Never   retries, queues beyond a bound, or knows what a frame means to Raft.
 * Proof   conformance/transport.ts runs on each implementation.
 */
import type { Index, MemberId, Message } from './core/types.js';
import type { RulesRange } from './rules-range.js';

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
  /** The versions of the state machine's rules that this program can apply. */
  readonly rules: RulesRange;
}

export type LinkFrame =
  /** `holds`: of what is committed, the sender's disk holds all up to here, and so for ever. */
  | { readonly kind: 'raft'; readonly message: Message; readonly holds: Index }
  /**
   * The genesis, and who is a member now: told to one that has none yet, so that it may found or join, and to
   * one that may have been away (docs/architecture.md, consensus 8).
   */
  | { readonly kind: 'found'; readonly genesis: Uint8Array }
  /** Said anew when something in the hello changed: joined, or the log's ends. */
  | { readonly kind: 'hello'; readonly hello: Hello }
  /** Opaque to consensus: forwarded sign requests, statements about chains. */
  | { readonly kind: 'application'; readonly payload: Uint8Array };

/** It came, and holds an entry or a snapshot that this program does not know whole (docs/architecture.md, 4.11). */
export interface UnknownRecord {
  readonly kind: 'unknownRecord';
  readonly detail: string;
}

/** What may be heard: never said. */
export type HeardFrame = LinkFrame | UnknownRecord;

export interface PeerEndpoint {
  readonly id: MemberId | null;
  readonly name: string;
  readonly address: string;
}

/** Why a hello is refused. The first three tell a replica that its own disk cannot be trusted. */
export type RefusalCode =
  /** It shows less than this replica has already seen of it. */
  | 'rolledBack'
  /** One boot with two run ids, so two processes with one identity. */
  | 'cloned'
  /** It joined once, in another run, and its log is empty now. */
  | 'wiped'
  /** It is a voter that was promoted, and its log is empty, or was when it said so. */
  | 'emptyVoter'
  /** Another process of this identity is linked, and its link has not ended: it may yet end. */
  | 'alive'
  /** Its removal from the cluster is committed: this identity is never a member again. */
  | 'removed'
  /** Said by a founded member to an empty log of an identity that no membership holds. */
  | 'foundedWithout'
  | 'notMember'
  | 'nameDiffers'
  | 'clusterDiffers'
  /** The address leads to this replica itself, or its identity is used by another process. */
  | 'self'
  /** A code of a version that this one does not know. */
  | 'other';

export interface Refusal {
  readonly code: RefusalCode;
  readonly detail: string;
}

/** What ended a connection before it became a link. A value: strangers and typing errors cause these. */
export interface LinkFault {
  readonly kind: /** No connection: refused, unreachable, name not resolved, or silent for too long. */
    | 'unreachable'
    /** TLS failed: no certificate, or one of another authority. */
    | 'tls'
    /** The certificate or the hello names somebody else than was expected. */
    | 'identity'
    | 'oversized'
    | 'malformed'
    /** The other side closed, or said nothing, before the hellos were exchanged. */
    | 'unfinished'
    | 'refusedByUs'
    | 'refusedByPeer'
    /** Without certificates, anything but loopback. */
    | 'insecureAddress';
  readonly detail: string;
  /** Present with the two `refused…` kinds. */
  readonly refusal?: Refusal;
  readonly remoteAddress: string;
}

export interface TransportHandlers {
  /** Judged before the link counts as up; a refusal closes it and is reported on both sides. */
  onHello(hello: Hello): { readonly accept: true } | { readonly accept: false; refusal: Refusal };
  onFrame(from: MemberId, frame: HeardFrame): void;
  onUp(peer: MemberId): void;
  /**
   * `closed`: FIN or reset arrived, so the process or its kernel ended it. `lost`: we gave up on it.
   * Not called for one of two connections that gives way to the other.
   */
  onDown(peer: MemberId, cause: 'closed' | 'lost', detail: string): void;
  /** A dial that did not become a link; for the log and `/status`. Rate-limited by the receiver. */
  onDialFailed(peer: PeerEndpoint, fault: LinkFault): void;
  /** Somebody connected to us and it did not become a link. */
  onInboundFailed(fault: LinkFault): void;
}

export interface Transport {
  /**
   * Listens, and keeps one link to each peer. The hello is read anew for each connection.
   * @throws ConsensusError CONSENSUS_LISTEN_FAILED, CONSENSUS_INSECURE_ADDRESS
   */
  start(handlers: TransportHandlers, hello: () => Hello): Promise<void>;
  /** Best effort and in order; dropped where no link is up or its bounded queue is full. False: dropped. */
  send(to: MemberId, frame: LinkFrame): boolean;
  /**
   * Replaces the peers to keep links with; links to others end, also one to another identity of the same name.
   * @throws ConsensusError CONSENSUS_ADDRESS_INVALID, CONSENSUS_INSECURE_ADDRESS
   */
  setPeers(peers: readonly PeerEndpoint[]): void;
  isUp(peer: MemberId): boolean;
  /** Ends every link without reporting it. Nothing is open afterwards. */
  stop(): Promise<void>;
}
