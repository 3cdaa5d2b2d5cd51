/**
 * What must hold in the simulated world, whatever happens in it.
 *
 * Owns    the tables that are kept for ever: leaders by term, what committed, which logs were seen.
 * Never   asks a core what it believes where the disk or the wire can be asked instead.
 * Rule    Raft paper, figure 3 (the five properties), and rules 1, 10, 11, 12, 39, 44.
 */
import assert from 'node:assert/strict';
import type {
  MemberId,
  PromiseMessage,
  ProposalOutcome,
  Snapshot,
  Ticket,
} from '../src/core/index.js';
import { type ChainedLog, said, type VirtualDisk } from './core-disk.js';

export class Oracle {
  readonly #leaderOfTerm = new Map<number, MemberId>();
  /** index -> chain of the committed prefix that ends there. */
  readonly #committed = new Map<number, number>();
  readonly #chainByPlace = new Map<string, number>();
  readonly #committedTickets = new Map<Ticket, number>();
  /** Of changes: they carry no ticket in the log, so who asked for which is kept here. */
  readonly #changes = new Set<Ticket>();
  /** index -> the membership that was committed there. */
  readonly #memberships = new Map<number, string>();
  readonly outcomes = new Map<Ticket, ProposalOutcome>();
  /** What was committed first in which term. */
  readonly #firsts: { readonly term: number; readonly index: number }[] = [];
  #highest = 0;

  get highestCommitted(): number {
    return this.#highest;
  }

  get changesCommitted(): number {
    return this.#memberships.size;
  }

  asked(ticket: Ticket): void {
    this.#changes.add(ticket);
  }

  get terms(): number {
    return this.#leaderOfTerm.size;
  }

  /** Election safety and leader completeness. */
  elected(id: MemberId, term: number, log: ChainedLog): void {
    assert.equal(this.#leaderOfTerm.get(term) ?? id, id, `two leaders in term ${term}`);
    this.#leaderOfTerm.set(term, id);
    // A late winner of an old term need not know what a newer leader has committed meanwhile.
    const earlier = this.#firsts.filter((first) => first.term < term).map(({ index }) => index);
    const index = Math.max(0, ...earlier);
    if (log.snapshot.index >= index) return;
    const lacks = `leader ${id} of term ${term} lacks committed entry ${index}`;
    assert.equal(log.chainAt(index), this.#committed.get(index), lacks);
  }

  /** Log matching: equal (term, index) means equal prefixes, in every log ever written. */
  wrote(log: ChainedLog, fromIndex: number): void {
    for (let index = fromIndex; index <= log.lastIndex; index += 1) {
      const chain = log.chainAt(index) ?? assert.fail('no chain');
      const place = `${log.entryAt(index)?.term ?? 0}:${index}`;
      assert.equal(this.#chainByPlace.get(place) ?? chain, chain, `two logs differ at ${place}`);
      this.#chainByPlace.set(place, chain);
    }
  }

  /** State machine safety; and whoever commits first, a majority of disks holds it. */
  committed(
    log: ChainedLog,
    term: number,
    after: number,
    through: number,
    disks: readonly VirtualDisk[],
  ): void {
    for (let index = after + 1; index <= through; index += 1) {
      const chain = log.chainAt(index) ?? assert.fail(`commits ${index} without having it`);
      assert.equal(this.#committed.get(index) ?? chain, chain, `two entries commit at ${index}`);
      this.#committed.set(index, chain);
      const entry = log.entryAt(index);
      if (entry?.kind === 'command') this.#committedTickets.set(ticketOf(entry.command), index);
      if (entry?.kind === 'membership') this.#memberships.set(index, said(entry.membership));
    }
    if (through <= this.#highest) return;
    this.#highest = through;
    this.#firsts.push({ term, index: through });
    const chain = this.#committed.get(through);
    const holders = disks.filter((disk) => disk.log.chainAt(through) === chain).length;
    assert.ok(
      holders * 2 > disks.length,
      `${through} commits on ${holders} of ${disks.length} disks`,
    );
  }

  restored({ index, membership }: Snapshot, chain: number): void {
    assert.equal(
      this.#committed.get(index) ?? 0,
      chain,
      `a snapshot at ${index} of another history`,
    );
    const made = [...this.#memberships.keys()].filter((at) => at <= index);
    if (made.length === 0) return;
    const latest = this.#memberships.get(Math.max(...made));
    assert.equal(said(membership), latest, `a snapshot at ${index} of another membership`);
  }

  /** A promise leaves: the disk of its sender must already keep it, whatever crashes next. */
  left(
    from: MemberId,
    to: MemberId,
    sent: PromiseMessage,
    claim: number | null,
    disk: VirtualDisk,
  ) {
    const { hard, log } = disk;
    assert.ok(hard.term >= sent.term, `${sent.kind} of term ${sent.term} left before that term`);
    // In a later term the promise was kept, and has ended.
    if (hard.term > sent.term) return;
    if (sent.kind === 'vote') assert.equal(hard.votedFor, from, 'a vote for oneself not on disk');
    if (sent.kind === 'voteReply' && sent.granted)
      assert.equal(hard.votedFor, to, 'vote not on disk');
    if (sent.kind !== 'appendReply' || sent.refused || log.snapshot.index >= sent.match) return;
    const held = log.chainAt(sent.match);
    const kept = claim === null ? held !== null : held === claim;
    assert.ok(kept, `acknowledged ${sent.match}, not on disk`);
  }

  resolved(ticket: Ticket, outcome: ProposalOutcome, log: ChainedLog): void {
    assert.ok(!this.outcomes.has(ticket), `ticket ${ticket} resolved twice`);
    this.outcomes.set(ticket, outcome);
    if (outcome.kind !== 'committed') return;
    const entry = log.entryAt(outcome.index);
    if (this.#changes.has(ticket)) {
      assert.ok(entry?.kind === 'membership' && entry.term === outcome.term, 'no change is there');
      return;
    }
    assert.ok(entry?.kind === 'command' && entry.term === outcome.term, 'another entry is there');
    assert.equal(ticketOf(entry.command), ticket, 'resolved by another proposal’s entry');
  }

  /** At the end: outcomes told the truth. */
  settle(): void {
    for (const [ticket, outcome] of this.outcomes) {
      if (this.#changes.has(ticket)) continue;
      const index = this.#committedTickets.get(ticket);
      if (outcome.kind === 'notLeader') assert.equal(index, undefined, 'refused, yet committed');
      if (outcome.kind === 'committed')
        assert.equal(index, outcome.index, 'told, yet not committed');
    }
  }
}

export function commandOf(ticket: Ticket): Uint8Array {
  return Uint8Array.of(ticket >>> 24, (ticket >>> 16) & 255, (ticket >>> 8) & 255, ticket & 255);
}

function ticketOf(command: Uint8Array): Ticket {
  return command.reduce((ticket, byte) => ticket * 256 + byte, 0);
}
