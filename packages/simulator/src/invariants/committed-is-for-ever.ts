/**
 * What is committed at an index is the same for every replica, for ever; and a majority has it on disk.
 *
 * Source  Raft paper, figure 3 (state machine safety, leader completeness); rules 12, 17, 18 and 40. The table is kept
 *         over crashes, snapshots and changes of the membership.
 */
import type { Entry, Membership } from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { contentOf, entryAt, membershipAt } from '../shadow-log.js';
import { Violation } from '../violation.js';
import type { LogRemembers } from './log-remembers.js';

export interface CommittedEntry {
  readonly term: number;
  readonly content: string;
  readonly entry: Entry;
}

export class CommittedIsForEver implements Invariant {
  readonly promise =
    'what is committed is the same everywhere, for ever, and on the disks of a majority';
  readonly #table: (CommittedEntry | undefined)[] = [];
  readonly #seen = new Map<string, { readonly start: number; commit: number }>();
  readonly #leading = new Map<string, number>();
  readonly #logs: Pick<LogRemembers, 'acknowledged' | 'given'>;
  /** Told once of each entry, in the order of the log. */
  readonly #committed: (index: number, entry: CommittedEntry) => void;
  #known = 0;

  constructor(
    logs: Pick<LogRemembers, 'acknowledged' | 'given'>,
    committed: (index: number, entry: CommittedEntry) => void,
  ) {
    this.#logs = logs;
    this.#committed = committed;
  }

  get lastIndex(): number {
    return this.#known;
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
    // Within a snapshot: what it says of the entries is examined as state (invariants/same-state.ts).
    if (entry === null) return;
    const content = contentOf(entry);
    const known = this.#table[index];
    if (known !== undefined) {
      if (known.term === entry.term && known.content === content) return;
      throw new Violation(
        this.promise,
        `${at.replica} has committed another entry at ${index}: of term ${entry.term}, it was of ${known.term}`,
      );
    }
    if (index !== this.#known + 1) {
      throw new Violation(this.promise, `${index} is committed, and ${this.#known + 1} was not`);
    }
    const holders = this.#holders(
      index,
      entry,
      content,
      membershipAt(this.#logs.given(at.id), Number.POSITIVE_INFINITY),
    );
    if (holders !== null) throw new Violation(this.promise, holders);
    const committed = { term: entry.term, content, entry };
    this.#table[index] = committed;
    this.#known = index;
    this.#committed(index, committed);
  }

  /** @returns what is wrong, or null */
  #holders(
    index: number,
    entry: Entry,
    content: string,
    membership: Membership | null,
  ): string | null {
    const voters = membership?.voters ?? [];
    const holding = voters.filter(({ id }) => {
      const held = entryAt(this.#logs.acknowledged(id), index);
      return held !== null && held.term === entry.term && contentOf(held) === content;
    });
    if (2 * holding.length > voters.length) return null;
    return `${index} is committed, and on the disks of ${holding.length} of ${voters.length} voters`;
  }

  /** A new leader has all that was ever committed before its term. */
  #checkLeader(at: At, core: Core): void {
    if (core.role.kind !== 'leader' || this.#leading.get(at.replica) === core.hard.term) return;
    this.#leading.set(at.replica, core.hard.term);
    for (let index = this.#known; index > core.log.prefixIndex; index -= 1) {
      const known = this.#table[index];
      if (known === undefined || known.term >= core.hard.term) continue;
      if (core.log.termAt(index) === known.term) return;
      throw new Violation(
        this.promise,
        `${at.replica} leads term ${core.hard.term} without the entry ${index} of term ${known.term}`,
      );
    }
  }
}
