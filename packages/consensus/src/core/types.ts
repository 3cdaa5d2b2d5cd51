/**
 * The contract of the pure core: its words, its inputs, its outputs. Closed lists; a new member
 * does not compile until everyone handles it.
 *
 * Owns    what core may be told and what it may ask for.
 * Never   holds logic, a clock, I/O or a promise.
 * Rule    Ongaro's dissertation, chapters 3, 4 and 10; docs/architecture.md, consensus.
 */

export type Term = number;
/**
 * 1-based; 0 is "before the first entry". Safe integers in memory, unsigned varints on wire and
 * disk.
 */
export type Index = number;
/** Milliseconds on the monotonic clock; the origin is arbitrary. */
export type Millis = number;
/** The identity of a replica, used once for all time: lower-case hex, never its name. */
export type MemberId = string;
/**
 * Correlates a proposal with its outcome on the replica that proposed it; never reused by a
 * process.
 */
export type Ticket = number;

/** A version of the state machine's rules: how committed commands are applied. From 1 on. */
export type RulesVersion = number;

export interface Member {
  readonly id: MemberId;
  /** What operators call it, as in the `peer` list. */
  readonly name: string;
  /** host:port that others dial. */
  readonly address: string;
  /** A witness votes and stores, and holds no key. */
  readonly witness: boolean;
}

/**
 * The configuration: what genesis says, and each change since. Carried whole by the entry that makes it and
 * by every snapshot, so it is a function of the log alone.
 */
export interface Membership {
  readonly voters: readonly Member[];
  readonly learners: readonly Member[];
  /**
   * Who was a member once, as it was then. An identity is used once (rule 9), and what is compacted is known
   * nowhere else; so it grows by one with each removal, for ever. Absent: nobody left yet.
   */
  readonly departed?: readonly Member[];
}

/** A membership and the place in the log where it came into force; index 0: as founded. */
export interface PlacedMembership {
  readonly index: Index;
  readonly membership: Membership;
}

/** One step of the membership: voters grow or shrink by one at most (dissertation, 4.1). */
export type MembershipChange =
  | { readonly kind: 'addLearner'; readonly member: Member }
  | { readonly kind: 'promote'; readonly id: MemberId }
  /** A voter or a learner; the leader too, which then leads until that is committed. */
  | { readonly kind: 'remove'; readonly id: MemberId }
  /** `id` leaves and `member` comes in as a learner, in one entry; promoted later. */
  | { readonly kind: 'replace'; readonly id: MemberId; readonly member: Member };

/** Why a leader does not make a change. A value: nothing was written. */
export type ChangeRefusal =
  /** The one in force, at `index`, is not committed (rule 38). */
  | { readonly kind: 'underWay'; readonly index: Index }
  /** No entry of this leader's own term is committed yet (rule 38). */
  | { readonly kind: 'termNotOpened' }
  | { readonly kind: 'unknownMember'; readonly id: MemberId }
  | { readonly kind: 'notLearner'; readonly id: MemberId }
  | { readonly kind: 'idInUse'; readonly id: MemberId }
  | { readonly kind: 'nameInUse'; readonly name: string }
  /** A member of this log once: its promises may be forgotten (rule 9). */
  | { readonly kind: 'idUsedBefore'; readonly id: MemberId }
  /** It lacks entries that are committed: it holds all up to `match`. */
  | {
      readonly kind: 'behind';
      readonly id: MemberId;
      readonly match: Index;
      readonly commit: Index;
    }
  /** It has not answered within the election timeout. */
  | { readonly kind: 'silent'; readonly id: MemberId }
  | { readonly kind: 'lastVoter'; readonly id: MemberId }
  /** Witnesses alone could never serve. */
  | { readonly kind: 'lastKeyHolder'; readonly id: MemberId }
  /** Fewer voters of the new membership are there than it needs (rule 43). */
  | { readonly kind: 'noQuorum'; readonly live: number; readonly needed: number }
  /** It holds a key, and no other voter that does is there. */
  | { readonly kind: 'noKeyHolder'; readonly id: MemberId };

export type Entry =
  /** Opens a leader's term (rule 25). */
  | { readonly kind: 'empty'; readonly index: Index; readonly term: Term }
  | {
      readonly kind: 'command';
      readonly index: Index;
      readonly term: Term;
      readonly command: Uint8Array;
    }
  /** In force from the moment it is in the log, committed or not, until it is truncated (rule 39). */
  | {
      readonly kind: 'membership';
      readonly index: Index;
      readonly term: Term;
      readonly membership: Membership;
    }
  /** Commands after it are applied by this version of the rules (docs/architecture.md, consensus 11). */
  | {
      readonly kind: 'rules';
      readonly index: Index;
      readonly term: Term;
      readonly version: RulesVersion;
    }
  /** What the leader's state was once it had applied `at`, lower-case hex: all others compare (rule 54). */
  | {
      readonly kind: 'stateHash';
      readonly index: Index;
      readonly term: Term;
      readonly at: Index;
      readonly hash: string;
    };

/** What a leader writes of its own accord. Nobody waits for it: where it is not written, it is later. */
export type Note =
  | { readonly kind: 'rules'; readonly version: RulesVersion }
  | { readonly kind: 'stateHash'; readonly at: Index; readonly hash: string };

/** One record, never two: a vote without its term would be a vote in another one (rule 2). */
export interface HardState {
  readonly term: Term;
  readonly votedFor: MemberId | null;
}

/** The whole state machine in one record; it is a few kB, so it is never streamed (rule 44). */
export interface Snapshot {
  readonly index: Index;
  readonly term: Term;
  readonly membership: Membership;
  /** In force at `index`. Absent: 1, the first. */
  readonly rules?: RulesVersion;
  readonly state: Uint8Array;
}

/**
 * What one call asks to be made durable, all or nothing, in the order truncate, entries, snapshot.
 */
export interface PersistBatch {
  readonly hard?: HardState;
  /** Entries from this index on are replaced (rule 14: in the same frame as what replaces them). */
  readonly truncateFrom?: Index;
  readonly entries?: readonly Entry[];
  /**
   * With `resetLog`, the log restarts after the snapshot; without, the suffix is kept (rule 45).
   */
  readonly snapshot?: Snapshot;
  readonly resetLog?: boolean;
}

// ---------------------------------------------------------------------------------- messages

/** Says nothing about the sender's disk, so it may leave at any time. */
export type FreeMessage =
  /** `term` is the one that the sender would campaign in; asking changes nothing (rule 4). */
  | {
      readonly kind: 'preVote';
      readonly term: Term;
      readonly lastIndex: Index;
      readonly lastTerm: Term;
    }
  | { readonly kind: 'preVoteReply'; readonly term: Term; readonly granted: boolean };

/**
 * Relies on a term, a vote or entries that must be on the sender's disk before it leaves (rule 10).
 */
export type PromiseMessage =
  | {
      readonly kind: 'vote';
      readonly term: Term;
      readonly lastIndex: Index;
      readonly lastTerm: Term;
      /** Asked for by the leader itself: stickiness does not apply. */
      readonly transfer: boolean;
    }
  | { readonly kind: 'voteReply'; readonly term: Term; readonly granted: boolean }
  /**
   * With no entries it is the heartbeat. `commit` is all that the receiver ever hears of commits,
   * capped at what it is known to match (rule 19).
   */
  | {
      readonly kind: 'append';
      readonly term: Term;
      readonly prevIndex: Index;
      readonly prevTerm: Term;
      readonly entries: readonly Entry[];
      readonly commit: Index;
      /** Names the sending, for lease and round trip: echoed, never reused within a term. */
      readonly round: number;
    }
  | {
      readonly kind: 'appendReply';
      readonly term: Term;
      readonly round: number;
      /** The last index that this very request covered (rule 23); meaningless when refused. */
      readonly match: Index;
      readonly refused: boolean;
      /**
       * When refused: where the receiver's log could join; moves `next`, never `match` (rule 22).
       */
      readonly hintIndex: Index;
      readonly hintTerm: Term;
    }
  | {
      readonly kind: 'installSnapshot';
      readonly term: Term;
      readonly snapshot: Snapshot;
      readonly round: number;
    }
  /** Bound to (term, lastIndex), so that a late one is known as such (rule 33). */
  | { readonly kind: 'timeoutNow'; readonly term: Term; readonly lastIndex: Index };

export type Message = FreeMessage | PromiseMessage;

// ------------------------------------------------------------------------------------ inputs

export type Input =
  /**
   * The deadline asked for by `wakeAt` has passed, and the sockets were drained first (design 4.5).
   */
  | { readonly kind: 'wake' }
  | { readonly kind: 'message'; readonly from: MemberId; readonly message: Message }
  /** A hint, never a proof: `closed` tells a connection that the peer or its kernel ended. */
  | { readonly kind: 'link'; readonly peer: MemberId; readonly state: 'up' | 'closed' }
  /** All batches up to and including this receipt are on disk. */
  | { readonly kind: 'durable'; readonly through: Receipt }
  | { readonly kind: 'applied'; readonly through: Index }
  | { readonly kind: 'propose'; readonly ticket: Ticket; readonly command: Uint8Array }
  /** Answered to its ticket like a proposal; `refused` where the leader does not make it. */
  | { readonly kind: 'change'; readonly ticket: Ticket; readonly change: MembershipChange }
  /** A leader writes it into the log; anybody else does nothing. */
  | { readonly kind: 'note'; readonly note: Note }
  /** Hand leadership to `to`, or, where null, to the best matched voter. */
  | { readonly kind: 'transfer'; readonly to: MemberId | null }
  /** The state machine's bytes at an applied index: the log before it may go. */
  | { readonly kind: 'compact'; readonly index: Index; readonly state: Uint8Array };

// ----------------------------------------------------------------------------------- outputs

declare const receipt: unique symbol;
/**
 * A position in the stream of persist batches, growing. Only `Outbox.persist` makes one, from 1 on.
 */
export type Receipt = number & { readonly [receipt]: true };
/** The receipt of all that recovery found: what was read back from disk is on it. */
export const alreadyDurable = 0 as Receipt;

export type ProposalOutcome =
  /**
   * Committed as (term, index); the driver resolves it with the answer once it has applied that
   * entry.
   */
  | { readonly kind: 'committed'; readonly term: Term; readonly index: Index }
  /** Nothing was appended here: asking the leader is safe. */
  | { readonly kind: 'notLeader'; readonly leader: MemberId | null }
  /**
   * Overwritten, passed over by a snapshot, or still undecided: it may commit, or may have (rule
   * 29).
   */
  | { readonly kind: 'unknown' }
  /** Of a change alone: nothing was appended. */
  | { readonly kind: 'refused'; readonly refusal: ChangeRefusal };

export type RoleChange = {
  readonly role: 'follower' | 'preCandidate' | 'candidate' | 'leader';
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly reason: RoleChangeReason;
};

/** Stable words, for logs and metrics. */
export type RoleChangeReason =
  | 'timeout'
  | 'peer_closed'
  | 'transfer'
  | 'pre_vote_won'
  | 'won'
  | 'lost'
  | 'leader_found'
  | 'higher_term'
  | 'no_quorum'
  /** A leader that is no voter any more, once that is committed. */
  | 'removed'
  /** Still leading: whom it was handed to did not take it in time. */
  | 'transfer_aborted';

/**
 * What core may ask of the world, collected during one `step` and carried out after it.
 * There is no way to send a promise without the receipt of the write that it rests on.
 */
export interface Outbox {
  persist(batch: PersistBatch): Receipt;
  send(to: MemberId, message: FreeMessage): void;
  /** Leaves once everything up to `after` is durable on this replica. */
  promise(to: MemberId, message: PromiseMessage, after: Receipt): void;
  /**
   * Entries up to `through` are committed; apply them in order. Their tickets are resolved before.
   */
  commit(through: Index): void;
  /** Replace the state machine's state before applying anything after `snapshot.index`. */
  restore(snapshot: Snapshot): void;
  resolve(ticket: Ticket, outcome: ProposalOutcome): void;
  /**
   * Replaces the earlier deadline; infinite: there is none. A `wake` uses it up, so it is said
   * anew.
   */
  wakeAt(at: Millis): void;
  changed(change: RoleChange): void;
}

// ----------------------------------------------------------------------------- configuration

export interface CoreConfig {
  readonly self: MemberId;
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  /** Leadership confirmed by a quorum within this time of sending. Below `electionTimeoutMs`. */
  readonly leaseMs: number;
  /** Seeds the core's own jitter: the core has no randomness of its own. */
  readonly seed: number;
  /** Appends in flight to one peer before the window closes. */
  readonly maxInflightAppends: number;
  /** Bounds one append message. At least one entry is always sent. */
  readonly maxAppendBytes: number;
  /**
   * Bounds the uncommitted tail (rule 26); a proposal beyond it is answered `notLeader` with this
   * leader's id.
   */
  readonly maxUncommittedBytes: number;
}

/** What recovery found: the core's starting point. */
export interface RecoveredLog {
  readonly hard: HardState;
  /** Always present: a founded log begins with its genesis as a snapshot at index 0. */
  readonly snapshot: Snapshot;
  /** Contiguous, from `snapshot.index + 1`. */
  readonly entries: readonly Entry[];
}
