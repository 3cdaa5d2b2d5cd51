/**
 * What the signer needs from the world, and nothing more.
 *
 * Owns    the interfaces to the replicated record, to leadership, to keys and to the watermark.
 * Never   knows which engine stands behind them (Raft here; a database elsewhere).
 * Proof   conformance/ runs on each implementation of ReservationStore and Leadership.
 */
import type {
  Answer,
  Hrs,
  Limits,
  PublicKey,
  RecordId,
  Reserve,
  SigningRecord,
  StartingPoint,
  Verdict,
} from '@cometkms/sign-state';

/** What became of a command that was handed to the replicated log. */
export type Committed<T> =
  | { readonly kind: 'committed'; readonly value: T; readonly proof: CommitProof }
  /** Nothing was written: another replica leads, or none. Asking there is safe. */
  | { readonly kind: 'notLeader'; readonly leader: string | null }
  /** It may have committed, or may yet: only the same bytes may be asked for again. */
  | { readonly kind: 'unknown'; readonly detail: string };

/** Where the log holds it; for logs and the journal. */
export interface CommitProof {
  readonly term: number;
  readonly index: number;
  readonly commitMs: number;
}

/** What became of a committed command that is no reservation: done, or rejected with its reason. */
export type Change = Exclude<Answer, { readonly kind: 'verdict' }>;

/** The replicated, durable record of what each key has reserved. */
export interface ReservationStore {
  /**
   * Commits the request, and answers with the verdict once it is applied on this replica. Never rejects
   * for what the world did: an unknown outcome is a value. The bytes are copied before the first await.
   */
  reserve(request: Omit<Reserve, 'kind'>): Promise<Committed<Verdict>>;
  /** Once, for ever: `rejected` with `alreadyRegistered` the second time. */
  registerChain(id: RecordId, start: StartingPoint, limits: Limits): Promise<Committed<Change>>;
  /**
   * At or below `floor` nothing new is signed. Never lowers it.
   * @param endsCutover an operator's word that the old signer is stopped; see `RaiseFloor`
   */
  raiseFloor(id: RecordId, floor: Hrs, endsCutover: boolean): Promise<Committed<Change>>;
  setLimits(id: RecordId, limits: Limits): Promise<Committed<Change>>;
  setHaltHeight(id: RecordId, height: bigint | null): Promise<Committed<Change>>;
  /** Permanent. */
  retire(id: RecordId): Promise<Committed<Change>>;
  /** This replica's applied state, which may be behind. It may refuse, and never permits. */
  read(id: RecordId): SigningRecord | undefined;
}

/** Whether to be asked at all. It refuses or chooses; it never permits (the promise, section 1). */
export interface Leadership {
  /** Leads, holds the lease, and has applied the first entry of its own term. */
  mayServe(): boolean;
  /** The name of the replica that leads, as far as known here. */
  leader(): string | null;
}

/** Holds a private key. `sign` may take time (a device) or none (software). */
export interface KeyBackend {
  readonly publicKey: PublicKey;
  /**
   * Whether the gate may compute a signature while the reservation is still under way, and drop it. Only for a key
   * in the process's own memory: a device counts, logs or charges.
   */
  readonly signsEarly: boolean;
  /**
   * `bytes` are read before the first await. Settles within a bounded time, also where a device hangs; the gate
   * does not wait beyond its deadline, and may ask again meanwhile.
   * @returns the signature over exactly `bytes`; for ed25519 64 bytes
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/**
 * The second gate: this replica's own memory of what it meant to release, apart from consensus.
 * One per (key, chain).
 */
export interface Watermark {
  /**
   * Raises to (hrs, content) and syncs. Same HRS and content: allowed, nothing written.
   * Below, or same HRS with other content: refused, nothing written. One call in flight.
   * Rejects only if the write or sync failed: fatal to the process.
   */
  raise(hrs: Hrs, content: Uint8Array): Promise<WatermarkVerdict>;
  current(): { readonly hrs: Hrs } | null;
}

export type WatermarkVerdict =
  | { readonly kind: 'raised'; readonly syncMs: number }
  | { readonly kind: 'refused'; readonly reason: 'regressed' | 'otherContent'; readonly at: Hrs };

/** One request to sign, as the validator's session understood it. */
export interface SignRequest {
  readonly id: RecordId;
  readonly hrs: Hrs;
  /** Canonical sign bytes, length prefix included. */
  readonly signBytes: Uint8Array;
  /** Canonical extension sign bytes, where the extension rule (privval) asks for a signature over them. */
  readonly extensionSignBytes: Uint8Array | null;
}

export interface Released {
  readonly kind: 'released';
  readonly verdict: 'granted' | 'repeated' | 'retimed';
  /** The bytes that were signed: the verdict's. Their timestamp goes into the answer. */
  readonly signBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly extensionSignature: Uint8Array | null;
  readonly proof: CommitProof;
  /** Milliseconds by stage: queue, commit, watermark, sign, verify, total. */
  readonly stages: Readonly<Record<Stage, number>>;
}

export type Stage = 'queue' | 'commit' | 'watermark' | 'sign' | 'verify' | 'total';

/** Final for this request: the validator gets a typed error, the link stays. */
export interface RefusedRequest {
  readonly kind: 'refused';
  readonly code:
    | 'CONFLICT'
    | 'REGRESSED'
    | 'HALTED'
    | 'LEAP'
    | 'CUTOVER'
    | 'RETIRED'
    | 'UNREGISTERED'
    | 'MALFORMED'
    | 'PROPOSAL_RETIMED'
    | 'WATERMARK'
    | 'BACKEND';
  /** The stored reservation and what was asked, in the words of the log. */
  readonly detail: string;
}

/** Not now: whoever holds the link decides whether to wait, ask elsewhere or drop it (the answer table). */
export interface NotNow {
  readonly kind: 'notNow';
  readonly reason:
    | 'notLeader'
    | 'unknown'
    | 'timeout'
    /** The gate's queue is full. */
    | 'busy'
    /** This replica is ending after a fatal fault; another one may serve. */
    | 'stopped';
  readonly leader: string | null;
}

export type SignOutcome = Released | RefusedRequest | NotNow;
