/**
 * The log as this replica means it to be: a compacted prefix and the entries after it, in memory.
 *
 * Owns    that entries are contiguous, terms never fall, where another log departs from ours, and which
 *         memberships and which versions of the rules it holds.
 * Never   knows what of it is on disk (durability.ts) or committed (commit.ts).
 * Rule    Ongaro's dissertation, 3.5, 3.6.1 and 4.1; rules 5, 20 and 39.
 * Proof   test/core-log.test.ts, against a naive twin.
 */
import { invariant } from '@cometkms/invariant';
import type { Entry, Index, PlacedMembership, RulesVersion, Term } from './types.js';

/** What an entry weighs besides its command, for the bounds on messages and on the tail. */
const entryOverheadBytes = 32;
/** About: an identity, a name and an address. */
const memberBytes = 160;
const hashBytes = 32;

type RulesEntry = Extract<Entry, { kind: 'rules' }>;

export function entryBytes(entry: Entry): number {
  if (entry.kind === 'command') return entryOverheadBytes + entry.command.length;
  if (entry.kind === 'stateHash') return entryOverheadBytes + hashBytes;
  if (entry.kind !== 'membership') return entryOverheadBytes;
  const { voters, learners, departed = [] } = entry.membership;
  return entryOverheadBytes + memberBytes * (voters.length + learners.length + departed.length);
}

export class Log {
  #prefixIndex: Index;
  #prefixTerm: Term;
  /** `#entries[0]` has index `#prefixIndex + 1`. */
  #entries: Entry[] = [];
  /** Those of `#entries`, oldest first. They come and go with their entries, and in no other way (rule 39). */
  #memberships: PlacedMembership[] = [];
  /** Likewise. */
  #rules: RulesEntry[] = [];

  /** @param prefixIndex the last index that the snapshot covers, of term `prefixTerm` */
  constructor(prefixIndex: Index, prefixTerm: Term, entries: readonly Entry[]) {
    this.#prefixIndex = prefixIndex;
    this.#prefixTerm = prefixTerm;
    this.append(entries);
  }

  get prefixIndex(): Index {
    return this.#prefixIndex;
  }

  get lastIndex(): Index {
    return this.#prefixIndex + this.#entries.length;
  }

  get lastTerm(): Term {
    return this.#entries.at(-1)?.term ?? this.#prefixTerm;
  }

  /** null: before the compacted prefix's end, or after the last entry. */
  termAt(index: Index): Term | null {
    if (index === this.#prefixIndex) return this.#prefixTerm;
    return this.entryAt(index)?.term ?? null;
  }

  entryAt(index: Index): Entry | null {
    return this.#entries[index - this.#prefixIndex - 1] ?? null;
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      // A hole would let us acknowledge an index whose predecessor we never had.
      invariant(entry.index === this.lastIndex + 1, 'the log has no holes', {
        index: entry.index,
        lastIndex: this.lastIndex,
      });
      invariant(entry.term >= this.lastTerm, 'terms never fall along the log', {
        index: entry.index,
        term: entry.term,
        lastTerm: this.lastTerm,
      });
      this.#entries.push(entry);
      if (entry.kind === 'membership') this.#memberships.push(entry);
      if (entry.kind === 'rules') this.#rules.push(entry);
    }
  }

  truncateFrom(index: Index): void {
    invariant(index > this.#prefixIndex && index <= this.lastIndex, 'only entries are truncated', {
      index,
      prefixIndex: this.#prefixIndex,
      lastIndex: this.lastIndex,
    });
    this.#entries.length = index - this.#prefixIndex - 1;
    this.#memberships = this.#memberships.filter((each) => each.index < index);
    this.#rules = this.#rules.filter((each) => each.index < index);
  }

  /** Drops what a snapshot at `index` covers and keeps what follows it. */
  compactTo(index: Index): void {
    const term = this.termAt(index);
    invariant(term !== null, 'a log is compacted at an entry that it holds', { index });
    this.#entries = this.#entries.slice(index - this.#prefixIndex);
    this.#prefixIndex = index;
    this.#prefixTerm = term;
    this.#memberships = this.#memberships.filter((each) => each.index > index);
    this.#rules = this.#rules.filter((each) => each.index > index);
  }

  /** Starts anew after a snapshot whose end this log does not contain. */
  restartAfter(index: Index, term: Term): void {
    this.#prefixIndex = index;
    this.#prefixTerm = term;
    this.#entries = [];
    this.#memberships = [];
    this.#rules = [];
  }

  /** The last one at or before `index`; null: none since the compacted prefix. */
  membershipAt(index: Index): PlacedMembership | null {
    return this.#memberships.findLast((each) => each.index <= index) ?? null;
  }

  /** Of the last entry at or before `index` that names one; null: none does since the compacted prefix. */
  rulesAt(index: Index): RulesVersion | null {
    return this.#rules.findLast((each) => each.index <= index)?.version ?? null;
  }

  /**
   * From `from` on, as many as fit, but at least one where there is one: else a large one would
   * never go.
   */
  slice(from: Index, maxBytes: number): readonly Entry[] {
    invariant(from > this.#prefixIndex, 'compacted entries are sent as a snapshot', { from });
    const start = from - this.#prefixIndex - 1;
    let end = start;
    let bytes = 0;
    for (const entry of this.#entries.slice(start)) {
      bytes += entryBytes(entry);
      if (end > start && bytes > maxBytes) break;
      end += 1;
    }
    return this.#entries.slice(start, end);
  }

  /** Bytes of the entries in (after, through]. */
  bytesBetween(after: Index, through: Index): number {
    let bytes = 0;
    for (let index = after + 1; index <= through; index += 1) {
      const entry = this.entryAt(index);
      if (entry !== null) bytes += entryBytes(entry);
    }
    return bytes;
  }

  /**
   * The first of these entries that this log lacks, or holds in another term; null where it has
   * them all. Having more than was sent is no conflict: the sender may be late, not shorter (rule
   * 20).
   */
  firstMissing(entries: readonly Entry[]): Index | null {
    for (const { index, term } of entries) {
      if (index > this.#prefixIndex && this.termAt(index) !== term) return index;
    }
    return null;
  }

  /**
   * Whether a log that ends so is at least as up to date as ours: term first, then length (rule 5).
   */
  isCoveredBy(lastIndex: Index, lastTerm: Term): boolean {
    if (lastTerm !== this.lastTerm) return lastTerm > this.lastTerm;
    return lastIndex >= this.lastIndex;
  }

  /**
   * The highest index at or below `index` whose term here is at most `term`: no later place can
   * match a log that has `term` there, because terms never fall along either log. Skips a whole
   * term per question instead of one entry (dissertation, 3.5).
   */
  joinPoint(index: Index, term: Term): Index {
    let candidate = Math.min(index, this.lastIndex);
    while (candidate > this.#prefixIndex && (this.termAt(candidate) ?? 0) > term) candidate -= 1;
    return candidate;
  }
}
