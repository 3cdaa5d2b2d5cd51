/**
 * Whether all replicas have the same state, seen while they run (rule 54).
 *
 * Owns    at which entries a state is hashed, the hashes that wait for the leader's word, and the comparison.
 * Never   goes on where they differ: which one is right is not for this replica to say.
 * Rule    each replica hashes its state at each multiple of `everyEntries`; the one that leads then writes its own
 *         hash into the log; who applies that entry compares. A replica that was not there at that index (it came
 *         by a snapshot, or began after it) has nothing to compare, and says so.
 * Cost    one hash of a few kilobytes and one entry more per `everyEntries`; a remainder for each other entry.
 * Proof   test/state-checks.test.ts, test/node-state-checks.test.ts.
 */
import type { Entry, Index, Note } from './core/types.js';
import { ConsensusError } from './errors.js';

type StateHash = Extract<Entry, { kind: 'stateHash' }>;

/** Entries may be committed by the thousand before the leader's word on an earlier one is. */
const maxWaiting = 128;

export interface StateCheck {
  readonly at: Index;
  readonly result: 'equal' | 'differs' | 'unchecked';
  /** Of this replica; null where it was not at that index in this run. */
  readonly own: string | null;
  readonly leaders: string;
}

export class StateChecks {
  readonly #everyEntries: number;
  readonly #hash: () => string;
  /** By index, oldest first. */
  readonly #waiting = new Map<Index, string>();

  /** @param hash  of the state as it is now */
  constructor(everyEntries: number, hash: () => string) {
    this.#everyEntries = everyEntries;
    this.#hash = hash;
  }

  /** The state is that after `index`: applied to there, or restored. @returns what a leader is to write */
  reached(index: Index): Note | null {
    if (index === 0 || index % this.#everyEntries !== 0) return null;
    const hash = this.#hash();
    this.#waiting.set(index, hash);
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= maxWaiting) break;
      this.#waiting.delete(oldest);
    }
    return { kind: 'stateHash', at: index, hash };
  }

  compare({ at, hash: leaders }: StateHash): StateCheck {
    const own = this.#waiting.get(at) ?? null;
    // A later leader's word on an earlier index may still come; what it says, this replica says already.
    this.#waiting.delete(at);
    if (own === null) return { at, result: 'unchecked', own, leaders };
    return { at, result: own === leaders ? 'equal' : 'differs', own, leaders };
  }
}

/** @throws ConsensusError CONSENSUS_STATE_DIFFERS  unless they are equal, or nothing is known */
export function requireEqual({ at, result, own, leaders }: StateCheck): void {
  if (result !== 'differs' || own === null) return;
  throw new ConsensusError('CONSENSUS_STATE_DIFFERS', { index: at, own, leaders });
}
