/**
 * What is committed at an index is the same for every replica, for ever; and a majority has it on disk.
 *
 * Source  Raft paper, figure 3 (state machine safety, leader completeness); rules 12, 17, 18 and 40. The table is kept
 *         over crashes, snapshots and changes of the membership.
 */
import type { Entry, LogBatch, Member, MemberId, RecoveredStorage } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { contentOf, entryAt, membershipOf, type ShadowLog } from '../shadow-log.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

/** Entries that are kept of each log behind what is committed. */
const keptBehind = 2000;

export interface CommittedEntry {
  readonly term: number;
  /** Of the leader that committed it. */
  readonly committedIn: number;
  readonly content: string;
  readonly entry: Entry;
}

export class CommittedIsForEver implements Invariant {
  readonly promise =
    'what is committed is the same everywhere, for ever, and on the disks of a majority';
  readonly #table: (CommittedEntry | undefined)[] = [];
  readonly #seen = new Map<string, { readonly start: number; commit: number }>();
  readonly #leading = new Map<string, number>();
  readonly #logs: Pick<LogRemembers, 'acknowledged' | 'given' | 'lost'>;
  /** Told once of each entry, in the order of the log. */
  readonly #committed: (index: number, entry: CommittedEntry) => void;
  readonly #given = new Map<MemberId, Map<number, Entry>>();
  #known = 0;

  constructor(
    logs: Pick<LogRemembers, 'acknowledged' | 'given' | 'lost'>,
    committed: (index: number, entry: CommittedEntry) => void,
  ) {
    this.#logs = logs;
    this.#committed = committed;
  }

  get lastIndex(): number {
    return this.#known;
  }

  /** Null: nothing is committed there. */
  termAt(index: number): number | null {
    return this.#table[index]?.term ?? null;
  }

  isCommitted({ index, term }: Entry): boolean {
    return this.#table[index]?.term === term;
  }

  /** What is committed may be compacted before anybody looks at the core. */
  logBegun({ id }: At, batches: readonly LogBatch[]): void {
    const given = this.#given.get(id) ?? new Map<number, Entry>();
    this.#given.set(id, given);
    for (const { truncateFrom, entries = [], resetLog } of batches) {
      if (truncateFrom !== undefined) {
        for (const index of given.keys()) if (index >= truncateFrom) given.delete(index);
      }
      for (const entry of entries) given.set(entry.index, entry);
      // A leader's snapshot takes the place of entries that it may contradict.
      if (resetLog === true) given.clear();
    }
    for (const index of given.keys()) {
      if (index > this.#known - keptBehind) break;
      given.delete(index);
    }
  }

  logOpened({ id }: At, { entries }: RecoveredStorage): void {
    this.#given.set(id, new Map(entries.map((entry) => [entry.index, entry])));
  }

  stepped(at: At, core: Core): void {
    const seen = this.#seen.get(at.replica);
    const from =
      seen?.start === at.start ? seen.commit : Math.min(core.snapshot.index, core.commit);
    if (core.commit > from) {
      for (let index = from + 1; index <= core.commit; index += 1) this.#check(at, core, index);
    }
    if (seen?.start === at.start) seen.commit = core.commit;
    else this.#seen.set(at.replica, { start: at.start, commit: core.commit });
    this.#checkLeader(at, core);
  }

  #check(at: At, core: Core, index: number): void {
    const entry = core.log.entryAt(index);
    const known = this.#table[index];
    if (known !== undefined) {
      // Within a snapshot: what it says of the entries is examined as state (invariants/same-state.ts).
      if (entry === null || (known.term === entry.term && known.content === contentOf(entry)))
        return;
      throw new Violation(
        this.promise,
        `${at.replica} has committed another entry at ${index}: of term ${entry.term}, it was of ${known.term}`,
      );
    }
    if (index !== this.#known + 1) {
      throw new Violation(this.promise, `${index} is committed, and ${this.#known + 1} was not`);
    }
    const { voters } = membershipOf(core);
    // Committed and compacted at once, it is looked for where it was given to disks.
    const candidates = entry === null ? this.#givenAt(index) : [entry];
    const held = candidates.find((one) => 2 * this.#holders(index, one, voters) > voters.length);
    if (held === undefined) {
      const counts = candidates.map((one) => this.#holders(index, one, voters));
      throw new Violation(
        this.promise,
        `${at.replica} commits ${index}, which is on the disks of ${Math.max(0, ...counts)} of ${voters.length} voters`,
      );
    }
    const committed = {
      ...{ term: held.term, content: contentOf(held), entry: held },
      committedIn: core.hard.term,
    };
    this.#table[index] = committed;
    this.#known = index;
    this.#committed(index, committed);
  }

  #givenAt(index: number): Entry[] {
    return [...this.#given.values()].flatMap((given) => given.get(index) ?? []);
  }

  #holders(index: number, entry: Entry, voters: readonly Member[]): number {
    const content = contentOf(entry);
    const isIt = (held: Entry | null): boolean =>
      held !== null && held.term === entry.term && contentOf(held) === content;
    return voters.filter(({ id }) => {
      const log = this.#logs.acknowledged(id);
      if (isIt(entryAt(log, index) ?? this.#compacted(id, log, index))) return true;
      // Its acknowledgement left before its disk was put back, and is counted when it arrives.
      return this.#logs.lost(id).some((before) => isIt(entryAt(before, index)));
    }).length;
  }

  /** It was on this disk before it went into that log's snapshot. */
  #compacted(id: MemberId, { snapshot }: ShadowLog, index: number): Entry | null {
    if (snapshot === null || snapshot.index < index) return null;
    return this.#given.get(id)?.get(index) ?? null;
  }

  /** A new leader has all that was ever committed before its term. */
  #checkLeader(at: At, core: Core): void {
    if (core.role.kind !== 'leader' || this.#leading.get(at.replica) === core.hard.term) return;
    this.#leading.set(at.replica, core.hard.term);
    for (let index = this.#known; index > core.log.prefixIndex; index -= 1) {
      const known = this.#table[index];
      // By the term that committed it, not its own: a leader whose votes were on their way when another one was elected
      // and committed what is older than both leads nobody, and may lack it (Raft paper, 5.4.3).
      if (known === undefined || known.committedIn >= core.hard.term) continue;
      if (core.log.termAt(index) === known.term) return;
      throw new Violation(
        this.promise,
        `${at.replica} leads term ${core.hard.term} without the entry ${index} of term ${known.term}`,
      );
    }
  }
}
