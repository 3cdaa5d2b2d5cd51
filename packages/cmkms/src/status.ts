/**
 * What a replica knows of itself: the one picture that /status, /readyz, the gauges and `cmkms status` show.
 *
 * Owns    the shape of these facts. Heights are bigint; ages are milliseconds, moments are Unix milliseconds.
 * Never   holds a private key, a signature or the content of a vote extension, and draws no conclusion
 *         (whether the replica is ready is http/readiness.ts).
 */
import { isWholeHeight } from '@cometkms/sign-state';

/** A chain as configured: (chain id, key). The key is named by its address, upper-case hex. */
export interface ChainKey {
  readonly chainId: string;
  readonly keyAddress: string;
}

export type SignType = 'proposal' | 'prevote' | 'precommit';
export const signTypes = ['proposal', 'prevote', 'precommit'] as const satisfies SignType[];

/** `parked`: the connection stands and nothing comes, so another signer holds the node's attention. */
export const linkStates = [
  'idle',
  'dialing',
  'handshaking',
  'parked',
  'connected',
  'active',
] as const;
/** `connected`: pings, no sign request within 60 s. `active`: asked within 60 s. `idle`: not ours to dial now. */
export type LinkState = (typeof linkStates)[number];

export interface StatusPosition {
  readonly height: bigint;
  readonly round: number;
  readonly step: number;
}

/** The last round there is: a floor at it, at the last step, is a floor over its whole height. */
export const LAST_ROUND = 2 ** 31 - 1;

/** For lines that people read; where a program reads, the numbers stay. */
export function positionText(at: StatusPosition): string {
  if (isWholeHeight(at)) return `height ${at.height}, all of it`;
  return `${at.height}/${at.round}/${at.step}`;
}

export interface ValidatorStatus {
  /** As configured: `tcp://host:port` or `unix:///path`. */
  readonly address: string;
  readonly state: LinkState;
  /** Since when the link is in this state. */
  readonly since: number;
  readonly lastRequestAt: number | null;
  readonly lastError: string | null;
}

export interface ChainStatus extends ChainKey {
  readonly keyType: string;
  /** False on a replica that should hold this key and could not load it. A witness lists no chains. */
  readonly keyLoaded: boolean;
  /** `rebuilding`: both slots were bad or missing and the barrier has not passed yet. */
  readonly watermark: 'ready' | 'rebuilding';
  readonly registration: 'unregistered' | 'registered' | 'retired';
  /** While `unregistered`: what is waited for, in words; null where nothing is known yet. */
  readonly waitingFor: string | null;
  /** The last reservation in this replica's applied state. `signBytes` are public: what was signed, never a signature. */
  readonly last: (StatusPosition & { readonly signBytes: Uint8Array }) | null;
  /** When this replica last released a signature of this chain. */
  readonly lastReleasedAt: number | null;
  readonly floor: StatusPosition | null;
  readonly haltHeight: bigint | null;
  /** Median of the last hundred releases of this replica; null before the first. */
  readonly medianMs: number | null;
  readonly validators: readonly ValidatorStatus[];
}

export type MemberRole = 'leader' | 'follower' | 'candidate' | 'learner' | 'unknown';

export interface MemberStatus {
  /** The name of the `peer` list. */
  readonly id: string;
  /** Of its certificate's public key, lower-case hex: Raft's member id. */
  readonly identity: string;
  readonly address: string;
  readonly self: boolean;
  /** False: a learner. */
  readonly voter: boolean;
  /** It votes and stores, and holds no key. */
  readonly witness: boolean;
  readonly role: MemberRole;
  /** In contact now. True for this replica itself. */
  readonly reachable: boolean;
  /** Known at the leader only. */
  readonly matchIndex: number | null;
  readonly rttMs: number | null;
  /** Age of the last message; null where none ever came in this run. */
  readonly lastContactMs: number | null;
  readonly version: string | null;
  /** Versions of the rules that its program can apply, as it said last; null where it is not linked. */
  readonly rules: { readonly oldest: number; readonly newest: number } | null;
  /** Unix milliseconds, as it said last; null where it said nothing or has none. */
  readonly certificateNotAfter: number | null;
  /** The configuration items in which this member differs from us, as its hello says; empty is agreement. */
  readonly configDrift: readonly string[];
}

export interface DiskStatus {
  readonly path: 'data' | 'priv';
  readonly freeBytes: number;
  readonly minimumBytes: number;
}

export interface LogStatus {
  readonly bytes: number;
  readonly failed: boolean;
  /** The last sync, of the last minute, else 0; above `slowSyncMs` (the election timeout) a leader hands over. */
  readonly lastSyncMs: number;
  readonly slowSyncMs: number;
}

export interface ConsensusStatus {
  readonly role: Exclude<MemberRole, 'unknown'>;
  readonly term: number;
  readonly leader: { readonly id: string; readonly address: string } | null;
  /** What is left of the lease; null where this replica does not lead with one. */
  readonly leaseMs: number | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The version of the rules in force: what follows `appliedIndex` is applied by it. */
  readonly rules: number;
  readonly voters: number;
  /** This replica included where it votes. */
  readonly votersReachable: number;
  /** In the order of the membership, learners last; this replica included where it is a member. */
  readonly members: readonly MemberStatus[];
}

export type Phase =
  | { readonly kind: 'starting' }
  | {
      readonly kind: 'founding';
      readonly answered: readonly string[];
      /** `id=host:port`, with the reason where one is known. */
      readonly missing: readonly string[];
    }
  /** This home joins a cluster that exists, and waits to be admitted. */
  | { readonly kind: 'joining'; readonly waits: string }
  | { readonly kind: 'running' }
  /** Stopping: leadership is being handed over, links are being closed. */
  | { readonly kind: 'draining' }
  /** Another identity was admitted in this one's place. */
  | { readonly kind: 'replaced' };

export interface ReplicaStatus {
  readonly id: string;
  readonly version: string;
  readonly clusterId: string | null;
  readonly startedAt: number;
  readonly witness: boolean;
  readonly phase: Phase;
  /** Null until the log is open and the membership is known. */
  readonly consensus: ConsensusStatus | null;
  readonly log: LogStatus | null;
  readonly chains: readonly ChainStatus[];
  readonly disks: readonly DiskStatus[];
  /** Unix milliseconds; null with `--insecure-raft`. */
  readonly certificateNotAfter: { readonly own: number | null; readonly ca: number | null };
  /** From the configuration: a median above it is a note. */
  readonly latencyBudgetMs: number;
  /** The members changed, and this replica's configuration lists those of before: what is to be edited. */
  readonly staleList: string | null;
}

/** The running replica, as everything that shows it sees it. Cheap: called at each scrape and each request. */
export interface StatusSource {
  status(): ReplicaStatus;
}

/** How many more voters may fail, whichever they are, before nothing can be signed: a witness signs nothing. */
export function faultTolerance(consensus: ConsensusStatus): number {
  const quorum = Math.floor(consensus.voters / 2) + 1;
  const holders = consensus.members.filter((m) => m.voter && !m.witness && m.reachable).length;
  return Math.max(0, Math.min(consensus.votersReachable - quorum, holders - 1));
}

/** The label under which metrics know a key: the first 8 hex digits of its address. */
export function keyLabel(keyAddress: string): string {
  return keyAddress.slice(0, 8);
}
