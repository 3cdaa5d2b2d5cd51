/**
 * What a core shows of itself. Read-only.
 *
 * Owns    the view that the driver, `/status` and the metrics read.
 * Never   changes anything. `mayServe` chooses and refuses; it never permits (docs/architecture.md,
 *         1).
 * Proof   test/core-status.test.ts.
 */
import type { Core } from './core.js';
import { leaseUntil } from './lease.js';
import { isVoter, isWitness, peers, reachedByQuorum, voters } from './membership.js';
import { rulesAt } from './rules.js';
import { electionTimeoutInForceMs } from './stall.js';
import type { Index, MemberId, Millis, RoleChange, RulesVersion, Term } from './types.js';

export interface PeerStatus {
  readonly id: MemberId;
  /** False: a learner. */
  readonly voter: boolean;
  readonly match: Index;
  readonly next: Index;
  readonly mode: 'probe' | 'pipeline' | 'snapshot';
  /** When it last answered in this term; at first, when this term's leadership began. */
  readonly lastContact: Millis;
  /** From sending to answer; its disk included where it had to write. null: none yet. */
  readonly rttMs: number | null;
}

export interface QuorumContact {
  /** Voters heard from within the election timeout, this replica included where it votes. */
  readonly voters: readonly MemberId[];
  readonly quorum: boolean;
}

export interface CoreStatus {
  readonly role: RoleChange['role'];
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly snapshotIndex: Index;
  readonly lastIndex: Index;
  readonly durableIndex: Index;
  readonly commit: Index;
  readonly applied: Index;
  /** By which the next command here is applied. */
  readonly rules: RulesVersion;
  /**
   * null where not leading; infinite for a sole voter; in the past where a quorum has not answered.
   */
  readonly leaseUntil: Millis | null;
  /**
   * The empty entry of this leader's own term is applied here (rule 25). False where not leading.
   */
  readonly barrierApplied: boolean;
  readonly transferTo: MemberId | null;
  /** Empty where not leading. */
  readonly peers: readonly PeerStatus[];
  readonly contact: QuorumContact;
  readonly stalls: { readonly count: number; readonly lastMs: number; readonly longestMs: number };
  /** The configured one, and what measured stalls add to it for now. */
  readonly electionTimeoutMs: number;
}

export function statusOf(core: Core, now: Millis): CoreStatus {
  const leading = core.role.kind === 'leader' ? core.role : null;
  const { count, lastMs, longestMs } = core.stalls;
  return {
    role: core.role.kind,
    term: core.hard.term,
    leader: core.leader,
    snapshotIndex: core.snapshot.index,
    lastIndex: core.log.lastIndex,
    durableIndex: core.durability.durableIndex,
    commit: core.commit,
    applied: core.applied,
    rules: rulesAt(core, core.applied),
    leaseUntil: leading === null ? null : leaseUntil(core, leading),
    barrierApplied: leading !== null && core.applied >= leading.barrierIndex,
    transferTo: leading?.transfer?.to ?? null,
    peers: peerStatus(core),
    contact: quorumContact(core, now),
    stalls: { count, lastMs, longestMs },
    electionTimeoutMs: electionTimeoutInForceMs(core, now),
  };
}

function peerStatus(core: Core): readonly PeerStatus[] {
  const { role } = core;
  if (role.kind !== 'leader') return [];
  return peers(core).flatMap((id) => {
    const peer = role.peers.get(id);
    if (peer === undefined) return [];
    const { match, next, mode, answeredAt, roundTripMs } = peer;
    const voter = isVoter(core, id);
    return [{ id, voter, match, next, mode, lastContact: answeredAt, rttMs: roundTripMs }];
  });
}

/**
 * Whether requests may be brought here at `now`: leading, with the lease held and the barrier
 * applied, and a key at hand. To be asked with a fresh `now`: a process that stood still has an old lease.
 */
export function mayServe(core: Core, now: Millis): boolean {
  const { role } = core;
  if (role.kind !== 'leader' || role.transfer !== null || isWitness(core)) return false;
  return now < leaseUntil(core, role) && core.applied >= role.barrierIndex;
}

/**
 * What is committed and on this disk: no crash and no later leader can take any of it away again, so
 * others may remember it of us. Neither alone would do: an entry that is only on disk may be replaced, and a
 * leader may commit what only its followers have on theirs.
 */
export function committedOnDisk(core: Core): Index {
  return Math.min(core.commit, core.durability.durableIndex);
}

/** Whom this replica has heard lately, whether or not it leads. */
export function quorumContact(core: Core, now: Millis): QuorumContact {
  const heard = (id: MemberId): boolean => {
    if (id === core.config.self) return true;
    const at = core.heardAt.get(id);
    return at !== undefined && now - at < core.config.electionTimeoutMs;
  };
  return {
    voters: voters(core).filter(heard),
    quorum: reachedByQuorum(core, (id) => (heard(id) ? 1 : 0)) === 1,
  };
}
