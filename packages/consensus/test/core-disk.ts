/**
 * A disk for the simulated world: what survives a crash, and nothing else.
 *
 * Owns    the durable twin of a replica's state, kept by its own code: it shares none with
 *         core/log.ts.
 * Never   forgives: a term that falls or a vote that changes is a failure here, at the write.
 */
import assert from 'node:assert/strict';
import type {
  Entry,
  HardState,
  Membership,
  PersistBatch,
  RecoveredLog,
  Snapshot,
} from '../src/core/index.js';

/** Identifies a whole log prefix by one number: equal chains mean equal prefixes. */
export function chainOf(previous: number, entry: Entry): number {
  let hash = (previous ^ 0x9e3779b9) >>> 0;
  const mix = (value: number): void => {
    hash = Math.imul(hash ^ value, 0x01000193) >>> 0;
    hash = (hash ^ (hash >>> 15)) >>> 0;
  };
  mix(entry.index);
  mix(entry.term);
  if (entry.kind === 'command') for (const byte of entry.command) mix(byte + 1);
  if (entry.kind === 'membership')
    for (const char of said(entry.membership)) mix(char.charCodeAt(0));
  if (entry.kind === 'rules') mix(entry.version);
  if (entry.kind === 'stateHash') mix(entry.at);
  return hash;
}

/** Who votes, who learns, who left; equal words mean equal memberships. */
export function said({ voters, learners, departed = [] }: Membership): string {
  return [voters, learners, departed].map((list) => list.map(({ id }) => id).join(',')).join('|');
}

/**
 * The world's state machine is the chain itself, so a snapshot's state says which prefix it covers.
 */
export function stateBytes(chain: number): Uint8Array {
  return Uint8Array.of(chain >>> 24, (chain >>> 16) & 255, (chain >>> 8) & 255, chain & 255);
}

export function chainOfState(state: Uint8Array): number {
  return state.reduce((chain, byte) => (chain * 256 + byte) >>> 0, 0);
}

/** A log with its chains; used for the disk and, in the oracle, for what a replica handed out. */
export class ChainedLog {
  readonly #entries = new Map<number, { readonly entry: Entry; readonly chain: number }>();
  snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  get lastIndex(): number {
    return this.snapshot.index + this.#entries.size;
  }

  /** null: not in this log, or before its snapshot's end. */
  chainAt(index: number): number | null {
    if (index === this.snapshot.index) return chainOfState(this.snapshot.state);
    return this.#entries.get(index)?.chain ?? null;
  }

  entryAt(index: number): Entry | null {
    return this.#entries.get(index)?.entry ?? null;
  }

  entries(): readonly Entry[] {
    return [...this.#entries.values()].map(({ entry }) => entry);
  }

  /** What a log makes of the membership is a function of the log alone (rules 39 and 44). */
  membershipAt(index: number): Membership {
    const made = this.entries().findLast(
      (entry) => entry.kind === 'membership' && entry.index <= index,
    );
    return made?.kind === 'membership' ? made.membership : this.snapshot.membership;
  }

  /** Likewise of the rules (consensus 11). */
  rulesAt(index: number): number {
    const made = this.entries().findLast((entry) => entry.kind === 'rules' && entry.index <= index);
    return made?.kind === 'rules' ? made.version : (this.snapshot.rules ?? 1);
  }

  apply({ truncateFrom, entries, snapshot, resetLog }: PersistBatch): void {
    if (truncateFrom !== undefined) {
      for (let index = this.lastIndex; index >= truncateFrom; index -= 1) {
        assert.ok(this.#entries.delete(index), `truncates entry ${index}, which is not there`);
      }
    }
    for (const entry of entries ?? []) {
      assert.equal(entry.index, this.lastIndex + 1, 'a hole on disk');
      const chain = chainOf(this.chainAt(entry.index - 1) ?? assert.fail('no predecessor'), entry);
      this.#entries.set(entry.index, { entry, chain });
    }
    if (snapshot === undefined) return;
    if (resetLog === true) this.#entries.clear();
    else {
      const carries = said(this.membershipAt(snapshot.index));
      assert.equal(said(snapshot.membership), carries, 'a snapshot of another membership');
      const rules = this.rulesAt(snapshot.index);
      assert.equal(snapshot.rules ?? 1, rules, 'a snapshot of other rules');
    }
    for (let index = this.snapshot.index + 1; index <= snapshot.index; index += 1) {
      this.#entries.delete(index);
    }
    this.snapshot = snapshot;
  }
}

export class VirtualDisk {
  hard: HardState = { term: 0, votedFor: null };
  readonly log: ChainedLog;

  constructor(genesis: Snapshot) {
    this.log = new ChainedLog(genesis);
  }

  write(batches: readonly PersistBatch[]): void {
    for (const batch of batches) {
      if (batch.hard !== undefined) this.#writeHard(batch.hard);
      this.log.apply(batch);
    }
  }

  recover(): RecoveredLog {
    return { hard: this.hard, snapshot: this.log.snapshot, entries: this.log.entries() };
  }

  #writeHard(hard: HardState): void {
    assert.ok(hard.term >= this.hard.term, 'a durable term went back');
    if (hard.term === this.hard.term && this.hard.votedFor !== null) {
      assert.equal(hard.votedFor, this.hard.votedFor, 'a durable vote changed within its term');
    }
    this.hard = hard;
  }
}
