/**
 * What a replica of the log is given, and what it tells.
 *
 * Owns    the types at the door of node.ts.
 */
import type { AdmissionStep } from './admission.js';
import type { Clock, Entropy } from './clock.js';
import type { CommitTime } from './commit-times.js';
import type {
  CoreConfig,
  Index,
  MemberId,
  Membership,
  Message,
  RoleChange,
  RulesVersion,
  Term,
} from './core/types.js';
import type { FoundingStep, ListedMember } from './founding.js';
import type { RulesRange } from './rules-range.js';
import type { StateCheck } from './state-checks.js';
import type { Genesis, LogStorage } from './storage.js';
import type { Hello, LinkFault, PeerEndpoint, Transport } from './transport.js';

/** Where a command stands in the log, and by which version of its rules the state machine is to apply it. */
export interface Place {
  readonly term: Term;
  readonly index: Index;
  readonly rules: RulesVersion;
}

export interface StateMachine<Answer> {
  /** Deterministic and synchronous. A throw stops the process: an entry may not be skipped. */
  apply(command: Uint8Array, at: Place): Answer;
  snapshot(): Uint8Array;
  /** SHA-256 of `snapshot()`, lower-case hex: equal states, and they alone, give equal hashes. */
  hash(): string;
  restore(state: Uint8Array): void;
}

export interface RaftNodeOptions<Answer> {
  readonly storage: LogStorage;
  readonly transport: Transport;
  readonly self: { readonly id: MemberId; readonly name: string };
  readonly version: string;
  /**
   * As configured, this replica included. After founding the log's membership holds; the addresses in here go
   * before its.
   */
  readonly members: readonly ListedMember[];
  /** From the genesis that all homes share; null: the first by name draws one. */
  readonly clusterId: string | null;
  /**
   * A new home for a cluster that exists: it waits to be admitted as a learner (`addLearner`, `replace`), and
   * never founds. Without meaning once it has joined.
   */
  readonly joins?: boolean;
  /** What the record beside the key says; null: this replica never joined. */
  readonly joined: { readonly clusterId: string } | null;
  /**
   * Writes that record, synced; called once, after the genesis is on disk and before the first vote.
   */
  recordJoined(genesis: Genesis): Promise<void>;
  readonly stateMachine: StateMachine<Answer>;
  readonly timers: Pick<CoreConfig, 'heartbeatIntervalMs' | 'electionTimeoutMs' | 'leaseMs'>;
  /** Applied entries between two snapshots. */
  readonly snapshotEntries: number;
  /** States are compared after each multiple of this: the same on every member, else nobody has what to compare. */
  readonly stateHashEntries: number;
  /** Committed entries applied at a time; in between, peers and timers have their turn. */
  readonly applyEntries: number;
  /** The versions of the state machine's rules that this program can apply. */
  readonly rules: RulesRange;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Of what should be the same on every member. */
  configDigest(): string;
  /** The process must end now. Called at most once; nothing leaves this node afterwards. */
  onFatal(error: Error): void;
}

export interface MembershipNews {
  readonly membership: Membership;
  /** The index at which it came into force, as far as it is known: later where a snapshot carries it. */
  readonly index: Index;
  readonly committed: boolean;
}

export interface NodeEvents {
  role: [RoleChange & { readonly previous: MemberId | null }];
  /**
   * `mayServe` turned true or false; it is judged before and after each step: a lease that runs out between two
   * is told with the second.
   */
  serving: [boolean];
  founding: [FoundingStep];
  founded: [Genesis];
  /** What a replica that is to join waits for; it may come often. */
  joining: [AdmissionStep];
  /** Admitted: its genesis and the record are written. It catches up from here. */
  joined: [Genesis];
  /**
   * Another membership is in force, or the one in force is committed now. One that is not committed may be
   * rolled back: then the one before it is told again.
   */
  membership: [MembershipNews];
  /** An entry is applied that raised the version of the rules: what follows is applied by it. */
  rulesRaised: [{ readonly version: RulesVersion; readonly index: Index }];
  /** A leader's word on its state was compared. Where it differs, the end follows. */
  stateChecked: [StateCheck];
  /** A proposal of this process is committed and applied: how long it took. */
  committed: [CommitTime];
  application: [from: MemberId, payload: Uint8Array];
  linkUp: [peer: MemberId, hello: Hello];
  linkDown: [peer: MemberId, cause: 'closed' | 'lost', detail: string];
  dialFailed: [peer: PeerEndpoint, fault: LinkFault];
  inboundFailed: [fault: LinkFault];
  /** One frame was written and synced, in milliseconds. */
  synced: [ms: number];
  /** What no sound member says, or nobody of this cluster; it may come with each message. */
  messageDropped: [from: MemberId, kind: Message['kind'], why: string];
  handedOver: [to: MemberId | null, reason: string, tookMs: number];
}
