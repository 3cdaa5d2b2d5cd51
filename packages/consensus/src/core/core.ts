/**
 * The whole state of one replica's Raft, and how it begins.
 *
 * Owns    what is remembered between two steps, and nothing that could be derived.
 * Never   changes by itself: only through `step`, one input at a time (rule 16).
 */
import type { CheckedCoreConfig } from './config.js';
import { Durability } from './durability.js';
import type { Rounds } from './lease.js';
import { Log } from './log.js';
import { isSoleVoter } from './membership.js';
import type { Progress } from './progress.js';
import type { Proposals } from './proposals.js';
import type { Tally } from './quorum.js';
import { Random } from './random.js';
import { noStalls, type Stalls } from './stall.js';
import { electionDelayMs } from './timers.js';
import type { HardState, Index, MemberId, Millis, RecoveredLog, Snapshot } from './types.js';

export interface Leading {
  readonly kind: 'leader';
  /** Of all others of the membership in force. */
  readonly peers: Map<MemberId, Progress>;
  /** The empty entry that opened this term (rule 25): once it is applied, all earlier ones are. */
  readonly barrierIndex: Index;
  readonly proposals: Proposals;
  readonly rounds: Rounds;
  uncommittedBytes: number;
  heartbeatDue: Millis;
  /** After a stall of our own: not deposed for others' silence before this. */
  graceUntil: Millis;
  transfer: {
    readonly to: MemberId;
    readonly deadline: Millis;
    sent: boolean;
  } | null;
}

export interface Campaigning {
  readonly kind: 'candidate';
  readonly tally: Tally;
  /** Asked for by the leader itself, so voters need not stand by it. */
  readonly transfer: boolean;
  /** When those who have not answered are asked again. */
  repeatDue: Millis;
}

export type Role =
  | { readonly kind: 'follower' }
  | { readonly kind: 'preCandidate'; readonly tally: Tally }
  | Campaigning
  | Leading;

export interface Core {
  readonly config: CheckedCoreConfig;
  readonly random: Random;
  readonly startedAt: Millis;

  /** As last handed out to be persisted; `durability` knows whether it is on disk yet. */
  hard: HardState;
  snapshot: Snapshot;
  readonly log: Log;
  readonly durability: Durability;
  commit: Index;
  applied: Index;

  role: Role;
  /** Whom this replica follows in this term; itself where it leads. */
  leader: MemberId | null;
  leaderHeardAt: Millis;
  electionDeadline: Millis;
  /** Earlier than the timer, where our link to the leader closed; else infinite. */
  hintDeadline: Millis;
  /** Own attempts since a leader was last heard. */
  failedAttempts: number;
  readonly closedLinks: Set<MemberId>;
  readonly heardAt: Map<MemberId, Millis>;

  stalls: Stalls;
  /** The deadline that the driver was last given. */
  wakeAt: Millis;
  lastNow: Millis;
}

/**
 * A follower that remembers what recovery found. Everything in it is durable already, and committed
 * as far as its snapshot: the caller restores the state machine from that, then steps with a first
 * `wake`.
 *
 * @param now  on the same monotonic clock as every later step, in milliseconds
 */
export function createCore(config: CheckedCoreConfig, recovered: RecoveredLog, now: Millis): Core {
  const { hard, snapshot, entries } = recovered;
  const log = new Log(snapshot.index, snapshot.term, entries);
  const core: Core = {
    config,
    random: new Random(config.seed),
    startedAt: now,
    hard,
    snapshot,
    log,
    durability: new Durability(log.lastIndex),
    commit: snapshot.index,
    applied: snapshot.index,
    role: { kind: 'follower' },
    leader: null,
    leaderHeardAt: Number.NEGATIVE_INFINITY,
    electionDeadline: now,
    hintDeadline: Number.POSITIVE_INFINITY,
    failedAttempts: 0,
    closedLinks: new Set(),
    heardAt: new Map(),
    stalls: noStalls,
    wakeAt: Number.POSITIVE_INFINITY,
    lastNow: now,
  };
  // A sole voter has nobody to wait for.
  if (!isSoleVoter(core)) core.electionDeadline = now + electionDelayMs(core, now);
  return core;
}
