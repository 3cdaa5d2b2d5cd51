/**
 * How long each proposal of this process took on its way, for metrics.
 *
 * Owns    the times of proposals that are under way; as many as the core may hold uncommitted.
 * Never   decides anything, or is asked before anything is done: it watches a step when that is over.
 */
import type { Core, Index, Millis } from './core/index.js';

/** Milliseconds since the proposal was made. Own disk and followers work side by side. */
export interface CommitTime {
  /** Written to the links, and with the log's writer. */
  readonly propose: number;
  /** On this replica's disk; null: it was committed without. */
  readonly ownSync: number | null;
  /** The first follower said that it is on its disk; null: nobody did. */
  readonly followerSync: number | null;
  /** Applied here, and its answer known. */
  readonly apply: number;
}

interface Begun {
  readonly at: Millis;
  proposedAt: Millis;
  ownSyncAt: Millis | null;
  followerSyncAt: Millis | null;
}

export class CommitTimes {
  readonly #begun = new Map<Index, Begun>();

  begun(index: Index, at: Millis): void {
    this.#begun.set(index, { at, proposedAt: at, ownSyncAt: null, followerSyncAt: null });
  }

  /** What its step had to say is said. */
  proposed(index: Index, now: Millis): void {
    const begun = this.#begun.get(index);
    if (begun !== undefined) begun.proposedAt = now;
  }

  /** After a step. */
  follow({ role, durability }: Core, now: Millis): void {
    if (this.#begun.size === 0) return;
    if (role.kind !== 'leader') {
      this.#begun.clear();
      return;
    }
    let match = 0;
    for (const peer of role.peers.values()) match = Math.max(match, peer.match);
    for (const [index, begun] of this.#begun) {
      if (index <= durability.durableIndex) begun.ownSyncAt ??= now;
      if (index <= match) begun.followerSyncAt ??= now;
    }
  }

  /** Null where it was not this process's, or of an earlier leadership. */
  applied(index: Index, now: Millis): CommitTime | null {
    const begun = this.#begun.get(index);
    if (begun === undefined) return null;
    this.#begun.delete(index);
    const { at, proposedAt, ownSyncAt, followerSyncAt } = begun;
    return {
      propose: proposedAt - at,
      ownSync: ownSyncAt === null ? null : ownSyncAt - at,
      followerSync: followerSyncAt === null ? null : followerSyncAt - at,
      apply: now - at,
    };
  }
}
