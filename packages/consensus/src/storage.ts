/**
 * The contract of the durable log: what a replica must remember to keep its promises.
 *
 * Owns    the interface that the write-ahead log and the simulator's disk both implement, and the records in it.
 * Never   decides anything about terms, votes or quorums: it stores what it is given, in order, or dies.
 * Proof   conformance/storage.ts runs on each implementation.
 */
import type {
  Entry,
  HardState,
  Index,
  MemberId,
  Membership,
  PersistBatch,
  PlacedMembership,
  Snapshot,
  Term,
} from './core/types.js';

/** Written once, when the cluster is founded or this replica is admitted to it. */
export interface Genesis {
  readonly clusterId: string;
  /** The identity that this log belongs to: a foreign disk is refused (rule 55). */
  readonly self: MemberId;
  /** As founded: the same on every member of the cluster, so that every log begins alike. */
  readonly membership: Membership;
  /** The membership that admitted this replica, as a learner. Absent: founded with it. */
  readonly admitted?: PlacedMembership;
}

/** One start of this replica. `boot` counts up by one per start, `runId` is drawn at random. */
export interface Boot {
  readonly boot: number;
  readonly runId: string;
}

/** The most that a peer has shown us of itself. Showing less later is a rolled-back or cloned disk. */
export interface PeerMark {
  readonly peer: MemberId;
  readonly boot: number;
  readonly runId: string;
  readonly term: Term;
  /** The highest committed index that the peer acknowledged as durable. */
  readonly acknowledged: Index;
  /** This peer has recorded that it joined; set before its first vote or acknowledgement counts. */
  readonly joined: boolean;
}

/** One step's worth of records. A frame holds one or more of these, atomically and in order. */
export interface LogBatch extends PersistBatch {
  readonly genesis?: Genesis;
  readonly boot?: Boot;
  readonly marks?: readonly PeerMark[];
}

export interface RecoveredStorage {
  /** null: nothing was ever written here. */
  readonly genesis: Genesis | null;
  readonly hard: HardState;
  readonly snapshot: Snapshot | null;
  readonly entries: readonly Entry[];
  readonly boot: Boot | null;
  readonly marks: readonly PeerMark[];
  /** A torn, provably unacknowledged tail was cut off; for the log only. */
  readonly cutBytes: number;
}

export interface LogStorage {
  /**
   * Reads everything back. Called once, first.
   * @throws ConsensusError CONSENSUS_LOG_DAMAGED  a record is damaged and not provably an unacknowledged tail (rule 52)
   * @throws ConsensusError CONSENSUS_LOG_VERSION  written by a version that this one does not know
   * @throws ConsensusError CONSENSUS_RECORD_UNKNOWN  a record that this version does not know
   * @throws ConsensusError CONSENSUS_LOG_UNREADABLE  the place cannot be read, or holds what looks like a moved segment
   * @throws ConsensusError CONSENSUS_LOG_FAILED  cutting a tail, or syncing what was read, failed
   */
  open(): Promise<RecoveredStorage>;
  /**
   * Makes all batches durable as one frame. At most one call in flight.
   * The first batch ever carries the genesis; a batch that breaks a rule of the log (holes, a truncated
   * snapshot, an older one) is a broken invariant.
   * A rejection is final: the caller must end the process, and never try again (rule 48).
   */
  append(batches: readonly LogBatch[]): Promise<void>;
  /** Bytes on disk, and how long the last sync took, in milliseconds; 0 where it was too long ago to say anything. */
  stats(): { readonly bytes: number; readonly lastSyncMs: number };
  close(): Promise<void>;
}
