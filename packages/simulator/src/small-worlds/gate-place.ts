/**
 * The gate of one replica in a small world: production's step machine, with all that its driver would await made moves.
 *
 * Owns    what was asked for and did not come yet: the mark's write, signatures, the log's answer; and the rule of
 *         the watermark (signer/watermark.ts): above, or the same place and content, else refused.
 * Never   holds a key: a signature here is the bytes that it was made over.
 */
import type { ProposalOutcome } from '@cometkms/consensus/core';
import { invariant } from '@cometkms/invariant';
import { encodeCommand, type Hrs, type SigningRecord, type Verdict } from '@cometkms/sign-state';
import type { GateRules, GateState, Input, Output, SigningJob } from '@cometkms/signer';
import { type Content, reserveOf } from './contents.js';
import type { Rooms } from './opening.js';

export interface Mark {
  readonly hrs: Hrs;
  readonly content: Uint8Array;
}

export interface GatePlace {
  readonly state: GateState;
  readonly rules: GateRules;
  /** Of this process. */
  readonly lastTicket: number;
  /** On the disk. */
  readonly marked: Mark | null;
  /** Being written. */
  readonly writing: { readonly ticket: number; readonly mark: Mark } | null;
  readonly signing: readonly {
    readonly ticket: number;
    readonly job: SigningJob;
    readonly bytes: Uint8Array;
  }[];
  /** The proposal that stands for the turn's reservation. */
  readonly reserving: { readonly ticket: number; readonly proposal: number } | null;
  /** What may still be asked for here. */
  readonly asks: readonly Content[];
}

/** What the gate needs of the rest of its replica. */
export interface GateHands {
  readonly record: SigningRecord | undefined;
  /** @returns the proposal's ticket; its outcome may come before that */
  propose(command: Uint8Array): number;
  readonly releases: { push(release: Release): unknown };
}

/** A signature that left, what its gate says of it, and the mark on that replica's disk then. */
export interface Release {
  readonly signBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly term: number;
  readonly index: number;
  readonly marked: Mark | null;
}

const moment = { nowMs: 0, leader: null };

export class GateAtWork {
  readonly #rooms: Rooms;
  readonly #hands: GateHands;
  #now: GatePlace;
  /** Outcomes of this move's steps, by proposal; and where one is committed. */
  readonly #outcomes = new Map<number, ProposalOutcome>();
  readonly #results: Input[] = [];

  constructor(rooms: Rooms, place: GatePlace, hands: GateHands) {
    this.#rooms = rooms;
    this.#now = place;
    this.#hands = hands;
  }

  left(): GatePlace {
    return this.#now;
  }

  /** One request, at a gate that is free. Leadership is believed, always: it may only refuse. */
  ask(content: Content): void {
    const ticket = this.#now.lastTicket + 1;
    const at = this.#now.asks.indexOf(content);
    const asks = this.#now.asks.filter((_, i) => i !== at);
    this.#now = { ...this.#now, lastTicket: ticket, asks };
    this.#feed({
      kind: 'request',
      ticket,
      asked: reserveOf(content),
      extensionSignBytes: null,
      arrivedMs: 0,
      deadlineMs: 1,
      mayServe: true,
      record: this.#hands.record,
    });
  }

  markWritten(): void {
    const { writing } = this.#now;
    invariant(writing !== null, 'a mark is being written');
    this.#now = { ...this.#now, writing: null, marked: writing.mark };
    const result = { kind: 'raised', syncMs: 0 } as const;
    this.#feed({ kind: 'marked', ticket: writing.ticket, result });
  }

  signed(which: number): void {
    const job = this.#now.signing[which];
    invariant(job !== undefined, 'a signature is being made');
    this.#now = { ...this.#now, signing: this.#now.signing.filter((_, i) => i !== which) };
    this.#feed({ kind: 'signed', ticket: job.ticket, job: job.job, signature: job.bytes });
  }

  deadline(): void {
    const { state } = this.#now;
    invariant(state.phase === 'turn', 'a deadline is a turn’s');
    this.#feed({ kind: 'deadline', ticket: state.ticket });
  }

  resolved(proposal: number, outcome: ProposalOutcome): void {
    this.#outcomes.set(proposal, outcome);
    if (outcome.kind !== 'committed') this.#answer(proposal);
  }

  /** The entry (term, index) is applied: whose proposal it was hears the verdict. */
  applied(verdict: Verdict, term: number, index: number): void {
    for (const [proposal, outcome] of this.#outcomes) {
      if (outcome.kind !== 'committed' || outcome.index !== index || outcome.term !== term)
        continue;
      const { reserving } = this.#now;
      if (reserving?.proposal !== proposal) continue;
      const proof = { term, index, commitMs: 0 };
      this.#now = { ...this.#now, reserving: null };
      const result = { kind: 'committed', value: verdict, proof } as const;
      this.#results.push({ kind: 'reserved', ticket: reserving.ticket, result });
    }
  }

  /** What the log answered is heard before anything else of the world: it comes by microtasks. */
  hearResults(): void {
    for (let next = this.#results.shift(); next !== undefined; next = this.#results.shift()) {
      this.#feed(next);
    }
  }

  #answer(proposal: number): void {
    const { reserving } = this.#now;
    if (reserving?.proposal !== proposal) return;
    this.#now = { ...this.#now, reserving: null };
    const outcome = this.#outcomes.get(proposal);
    const result =
      outcome?.kind === 'notLeader'
        ? ({ kind: 'notLeader', leader: outcome.leader } as const)
        : ({ kind: 'unknown', detail: 'leadership ended' } as const);
    this.#results.push({ kind: 'reserved', ticket: reserving.ticket, result });
  }

  #feed(input: Input): void {
    const { state, outputs } = this.#rooms.gate.step(
      this.#now.state,
      moment,
      input,
      this.#now.rules,
    );
    this.#now = { ...this.#now, state };
    for (const output of outputs) this.#perform(output);
  }

  #perform(output: Output): void {
    switch (output.kind) {
      case 'wakeAt':
      case 'alarm':
      case 'stop':
        return;
      case 'reserve': {
        const proposal = this.#hands.propose(encodeCommand(output.asked));
        this.#now = { ...this.#now, reserving: { ticket: output.ticket, proposal } };
        const outcome = this.#outcomes.get(proposal);
        if (outcome !== undefined && outcome.kind !== 'committed') this.#answer(proposal);
        return;
      }
      case 'mark':
        this.#mark(output.ticket, output);
        return;
      case 'sign': {
        const { ticket, job, bytes } = output;
        this.#now = { ...this.#now, signing: [...this.#now.signing, { ticket, job, bytes }] };
        return;
      }
      case 'verify': {
        const { ticket, job, bytes, signature } = output;
        const good = Buffer.compare(bytes, signature) === 0;
        this.#feed({ kind: 'verified', ticket, job, good });
        return;
      }
      case 'answer': {
        const { outcome } = output;
        if (outcome.kind !== 'released') return;
        const { signBytes, signature, proof } = outcome;
        const { marked } = this.#now;
        const { term, index } = proof;
        this.#hands.releases.push({ signBytes, signature, term, index, marked });
        return;
      }
    }
  }

  /** Judged at once; what is raised must be written first. */
  #mark(ticket: number, { hrs, content }: Mark): void {
    const { marked } = this.#now;
    const order = marked === null ? 1 : compare(hrs, marked.hrs);
    if (order > 0) {
      this.#now = { ...this.#now, writing: { ticket, mark: { hrs, content } } };
      return;
    }
    const same = marked !== null && order === 0 && Buffer.compare(content, marked.content) === 0;
    this.#results.push({
      kind: 'marked',
      ticket,
      result: same
        ? { kind: 'raised', syncMs: 0 }
        : { kind: 'refused', reason: order < 0 ? 'regressed' : 'otherContent', at: hrs },
    });
  }
}

function compare(a: Hrs, b: Hrs): number {
  if (a.height !== b.height) return a.height < b.height ? -1 : 1;
  return a.round === b.round ? a.step - b.step : a.round - b.round;
}
