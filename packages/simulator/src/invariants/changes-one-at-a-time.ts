/**
 * Members change one voter at a time, each change once the one before it is committed, by a leader whose term has
 * committed something; and no identity ever comes back.
 *
 * Source  rules 9, 38 and 39; dissertation, 4.1, with Ongaro's correction of 2015; docs/architecture.md, "Members
 *         come and go". Seen at a leader's own entries, and at what is committed.
 */
import {
  type Entry,
  type LogBatch,
  type Member,
  type Membership,
  membersOf,
} from '@cometkms/consensus';
import type { Core } from '@cometkms/consensus/core';
import type { At, Invariant } from '../observations.js';
import { Violation } from '../violation.js';

const said = (members: readonly Member[]): string =>
  members.map(({ name, id }) => `${name}=${id.slice(0, 8)}`).join(', ');

export class ChangesOneAtATime implements Invariant {
  readonly promise = 'members change one voter at a time, and no identity comes back';
  readonly #termAt: (index: number) => number | null;
  readonly #lastCommitted: () => number;
  #current: Membership | null = null;
  /** For whoever counts what was reached. */
  changed: (before: Membership, after: Membership) => void = () => {};
  /** Of each leader: up to where its entries were looked at. */
  readonly #looked = new Map<string, { readonly term: number; index: number }>();

  /**
   * @param termAt  of the entry that is committed there; null: none is
   * @param lastCommitted  by anybody
   */
  constructor(termAt: (index: number) => number | null, lastCommitted: () => number) {
    this.#termAt = termAt;
    this.#lastCommitted = lastCommitted;
  }

  /** The last that is committed, by anybody; null: nothing is founded. */
  get current(): Membership | null {
    return this.#current;
  }

  logBegun(_at: At, batches: readonly LogBatch[]): void {
    for (const { genesis } of batches) this.#current ??= genesis?.membership ?? null;
  }

  stepped({ replica }: At, { role, hard, log }: Core): void {
    if (role.kind !== 'leader') return;
    const before = this.#looked.get(replica);
    const from = before?.term === hard.term ? before.index : role.barrierIndex;
    this.#looked.set(replica, { term: hard.term, index: log.lastIndex });
    for (let index = from + 1; index <= log.lastIndex; index += 1) {
      const entry = log.entryAt(index);
      if (entry?.kind === 'membership') this.#made(replica, entry, role.barrierIndex, log);
    }
  }

  /** By a leader, in its own term. */
  #made(replica: string, entry: Entry, barrier: number, log: Core['log']): void {
    const { index, term } = entry;
    // Its first entry is committed before the others: nobody may know of it yet but the leader itself.
    if (this.#termAt(barrier) !== term) {
      throw new Violation(
        this.promise,
        `${replica} changes the members in term ${term}, of which nothing is committed`,
      );
    }
    for (let other = this.#lastCommitted() + 1; other < index; other += 1) {
      if (log.entryAt(other)?.kind !== 'membership') continue;
      throw new Violation(
        this.promise,
        `${replica} makes the change ${index}, and the change ${other} is not committed`,
      );
    }
  }

  /** In the order of the log. */
  committed(index: number, entry: Entry): void {
    if (entry.kind !== 'membership') return;
    const [before, after] = [this.#current, entry.membership];
    this.#current = after;
    if (before === null) throw new Violation(this.promise, `${index} changes what nobody founded`);
    const lacks = (members: readonly Member[], { id }: Member): boolean =>
      members.every((member) => member.id !== id);
    const come = after.voters.filter((voter) => lacks(before.voters, voter));
    const gone = before.voters.filter((voter) => lacks(after.voters, voter));
    if (come.length + gone.length > 1) {
      throw new Violation(this.promise, `${index} changes ${said([...come, ...gone])} at once`);
    }
    const departed = before.departed ?? [];
    const back = membersOf(after).filter((member) => !lacks(departed, member));
    if (back.length > 0) {
      throw new Violation(this.promise, `${index} takes ${said(back)} again, who had left`);
    }
    const left = [...departed, ...membersOf(before).filter((one) => lacks(membersOf(after), one))];
    const forgotten = left.filter((member) => lacks(after.departed ?? [], member));
    if (forgotten.length > 0) {
      throw new Violation(this.promise, `${index} forgets that ${said(forgotten)} left`);
    }
    const untried = come.filter((voter) => lacks(before.learners, voter));
    if (untried.length > 0) {
      throw new Violation(this.promise, `${index} makes ${said(untried)} a voter, never a learner`);
    }
    const ids = membersOf(after).map(({ id }) => id);
    if (new Set(ids).size < ids.length) {
      throw new Violation(this.promise, `${index} has one twice: ${said(membersOf(after))}`);
    }
    this.changed(before, after);
  }
}
