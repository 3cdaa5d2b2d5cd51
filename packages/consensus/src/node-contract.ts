/**
 * What a replica of the log is given, and what it tells.
 *
 * Owns    the types at the door of node.ts.
 */
import type { Clock, Entropy } from './clock.js';
import type { CoreConfig, MemberId, Message, RoleChange } from './core/types.js';
import type { FoundingStep, ListedMember } from './founding.js';
import type { Genesis, LogStorage } from './storage.js';
import type { Hello, LinkFault, PeerEndpoint, Transport } from './transport.js';

export interface StateMachine<Answer> {
  /** Deterministic and synchronous. A throw stops the process: an entry may not be skipped. */
  apply(command: Uint8Array, at: { readonly term: number; readonly index: number }): Answer;
  snapshot(): Uint8Array;
  restore(state: Uint8Array): void;
}

export interface RaftNodeOptions<Answer> {
  readonly storage: LogStorage;
  readonly transport: Transport;
  readonly self: { readonly id: MemberId; readonly name: string };
  readonly version: string;
  /** As configured, this replica included. After founding the log's membership holds. */
  readonly members: readonly ListedMember[];
  /** From the genesis that all homes share; null: the first by name draws one. */
  readonly clusterId: string | null;
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
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Of what should be the same on every member. */
  configDigest(): string;
  /** The process must end now. Called at most once; nothing leaves this node afterwards. */
  onFatal(error: Error): void;
}

export interface NodeEvents {
  role: [RoleChange & { readonly previous: MemberId | null }];
  /**
   * `mayServe` turned true or false; it is judged at each step, and a lease may run out between two.
   */
  serving: [boolean];
  founding: [FoundingStep];
  founded: [Genesis];
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
