/**
 * Proposals of this process that wait for their answer.
 *
 * Owns    which ticket waits for which (term, index), and that each is answered once.
 * Never   answers by index alone: an entry that was overwritten, or passed over by a snapshot, is an
 *         unknown outcome, whatever stands there now.
 * Rule    rule 29; docs/architecture.md, 2.
 * Proof   test/pending-proposals.test.ts.
 */
import { refusalInWords } from './change-refusals.js';
import type { Clock } from './clock.js';
import type { ChangeRefusal, Index, Term, Ticket } from './core/types.js';
import { ConsensusError } from './errors.js';

export interface Proposed<Answer> {
  readonly answer: Answer;
  readonly term: Term;
  readonly index: Index;
}

interface Pending<Answer> {
  readonly resolve: (proposed: Proposed<Answer>) => void;
  readonly reject: (error: ConsensusError) => void;
  readonly cancelTimer: () => void;
}

export class PendingProposals<Answer> {
  readonly #clock: Clock;
  readonly #pending = new Map<Ticket, Pending<Answer>>();
  /** Committed, and not applied here yet. */
  readonly #committed = new Map<Index, { readonly ticket: Ticket; readonly term: Term }>();
  readonly #nextTicket: () => Ticket;

  /** @param nextTicket  never the same twice, also not for others that ask the same core */
  constructor(clock: Clock, nextTicket: () => Ticket) {
    this.#clock = clock;
    this.#nextTicket = nextTicket;
  }

  /** `outcome` rejects with CONSENSUS_OUTCOME_UNKNOWN after `timeoutMs`: it may still commit. */
  open(timeoutMs: number): {
    readonly ticket: Ticket;
    readonly outcome: Promise<Proposed<Answer>>;
  } {
    const ticket = this.#nextTicket();
    const outcome = new Promise<Proposed<Answer>>((resolve, reject) => {
      const late = `no commit within ${timeoutMs} ms`;
      const cancelTimer = this.#clock.after(timeoutMs, () => this.unknown(ticket, late));
      this.#pending.set(ticket, { resolve, reject, cancelTimer });
    });
    return { ticket, outcome };
  }

  /** Waits for its outcome still. */
  has(ticket: Ticket): boolean {
    return this.#pending.has(ticket);
  }

  /** @param applied how far this replica has applied: an answer that is gone cannot be given */
  committed(ticket: Ticket, term: Term, index: Index, applied: Index): void {
    if (index <= applied) this.unknown(ticket, 'it was applied before it was known as committed');
    else this.#committed.set(index, { ticket, term });
  }

  /** The entry (term, index) was applied; `answer` null where it was no command. */
  applied(term: Term, index: Index, answer: { readonly value: Answer } | null): void {
    const waiting = this.#committed.get(index);
    if (waiting === undefined) return;
    this.#committed.delete(index);
    if (waiting.term !== term || answer === null) {
      this.unknown(waiting.ticket, 'another entry stands in its place');
      return;
    }
    this.#close(waiting.ticket)?.resolve({ answer: answer.value, term, index });
  }

  /** A snapshot took the state machine to `through`: what stood before is not known here. */
  passedOver(through: Index): void {
    for (const [index, { ticket }] of this.#committed) {
      if (index > through) continue;
      this.#committed.delete(index);
      this.unknown(ticket, 'a snapshot passed over it');
    }
  }

  notLeader(ticket: Ticket, leader: string | null): void {
    this.#close(ticket)?.reject(new ConsensusError('CONSENSUS_NOT_LEADER', { leader }));
  }

  refused(ticket: Ticket, refusal: ChangeRefusal): void {
    const facts = { detail: refusalInWords(refusal), refusal };
    this.#close(ticket)?.reject(new ConsensusError('CONSENSUS_CHANGE_REFUSED', facts));
  }

  unknown(ticket: Ticket, detail: string): void {
    this.#close(ticket)?.reject(new ConsensusError('CONSENSUS_OUTCOME_UNKNOWN', { detail }));
  }

  abandon(detail: string): void {
    for (const ticket of [...this.#pending.keys()]) this.unknown(ticket, detail);
    this.#committed.clear();
  }

  #close(ticket: Ticket): Pending<Answer> | undefined {
    const pending = this.#pending.get(ticket);
    this.#pending.delete(ticket);
    pending?.cancelTimer();
    return pending;
  }
}
