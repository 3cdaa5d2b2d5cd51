/**
 * One replica of a small world: a process and its disk, as a value that is never changed.
 *
 * Owns    what a replica is here, how it begins, and what it is like after a crash.
 * Never   decides anything: production does, in place.ts.
 */
import type {
  Core,
  HardState,
  Member,
  Message,
  PersistBatch,
  Snapshot,
} from '@cometkms/consensus/core';
import { invariant } from '@cometkms/invariant';
import type { SigningRecord } from '@cometkms/sign-state';
import type { Disk } from './disk.js';
import { appliedIn, stateOf } from './disk.js';
import { forget } from './forgetting.js';
import type { GatePlace } from './gate-place.js';
import type { Rooms } from './opening.js';

/** A promise that waits for the disk. */
export interface Held {
  readonly to: string;
  readonly message: Message;
  /** Leaves once so many of the pending batches are durable. */
  readonly after: number;
  /** The log when it was made. */
  readonly log: readonly string[];
}

export interface Replica {
  readonly self: string;
  /** Of production, opened. Stepped only as a copy. */
  readonly core: Core;
  readonly disk: Disk;
  /** Handed out to be written, in order; none of it is certain to survive. */
  readonly pending: readonly PersistBatch[];
  readonly held: readonly Held[];
  /** What the state machine applied, from index 1 on. */
  readonly applied: readonly string[];
  /** Of the one chain, in worlds with gates. */
  readonly record: SigningRecord | undefined;
  /** As registered: what a start applies its log to. */
  readonly firstRecord: SigningRecord | undefined;
  readonly gate: GatePlace | null;
  /** What may still be proposed here, beside a gate's requests. */
  readonly proposals: readonly string[];
  /** Of this process; never reused by it. */
  readonly lastTicket: number;
}

export const namesOf = (count: number): readonly string[] =>
  ['r1', 'r2', 'r3', 'r4', 'r5'].slice(0, count);

export function genesisOf(names: readonly string[]): Snapshot {
  const voters: readonly Member[] = names.map((id) => ({
    id,
    name: id,
    address: `${id}:1`,
    witness: false,
  }));
  return { index: 0, term: 0, membership: { voters, learners: [] }, state: stateOf([]) };
}

const nothingYet: HardState = { term: 0, votedFor: null };

export function founded(
  rooms: Rooms,
  self: string,
  genesis: Snapshot,
  rest: Pick<Replica, 'firstRecord' | 'gate' | 'proposals'>,
): Replica {
  const disk: Disk = { hard: nothingYet, snapshot: genesis, entries: [] };
  return { self, ...startedFrom(rooms, self, disk), ...rest, record: rest.firstRecord };
}

/**
 * The process is gone, and starts again from its disk. `kept` of the pending batches had reached it all the same;
 * nobody was told. What was sent stays on its way.
 */
export function startedFrom(
  rooms: Rooms,
  self: string,
  disk: Disk,
): Pick<Replica, 'core' | 'disk' | 'pending' | 'held' | 'applied' | 'lastTicket'> {
  const verdict = rooms.core.checkCoreConfig({
    self,
    heartbeatIntervalMs: 25,
    electionTimeoutMs: 120,
    leaseMs: 100,
    seed: 1,
    maxInflightAppends: 64,
    maxAppendBytes: 1 << 20,
    maxUncommittedBytes: 1 << 20,
  });
  invariant(verdict.ok, 'the timers of a small world fit each other');
  const core = rooms.core.createCore(verdict.config, disk, 0);
  forget(core, 0);
  const applied = appliedIn(disk.snapshot.state);
  return { core, disk, pending: [], held: [], applied, lastTicket: 0 };
}
