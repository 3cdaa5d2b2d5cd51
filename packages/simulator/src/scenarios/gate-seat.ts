/**
 * The gate of one replica, without promises: signer's own step machine, and what it asks for carried out at once.
 *
 * Owns    the queue of requests, the turn's deadline, the key and the watermark of this replica.
 * Never   decides what is released. The key's signatures are a table's (keys.ts), so that the oracle reads from them
 *         what was signed; the watermark is the rule alone, without its file.
 * Rule    docs/architecture.md, the road of one signature.
 */
import { unreachable } from '@cometkms/invariant';
import {
  compareHrs,
  type Hrs,
  type Reserve,
  type SigningRecord,
  type Verdict,
} from '@cometkms/sign-state';
import {
  type Committed,
  type GateState,
  type Input,
  idle,
  type Output,
  type SignOutcome,
  step,
  type Ticket,
  type WatermarkVerdict,
} from '@cometkms/signer';
import type { SignatureTable } from '../keys.js';
import { describeBytes, inWords, type Request, record } from './signing.js';

/** What a gate sees of its replica. */
export interface Seat {
  readonly id: string;
  /** This replica's own monotonic clock. */
  now(): number;
  leader(): string | null;
  mayServe(): boolean;
  read(): SigningRecord | undefined;
  reserve(asked: Reserve, answer: (result: Committed<Verdict>) => void): void;
  say(deed: string): void;
  released(signed: Uint8Array): void;
  stop(why: string): void;
}

/** On this replica's disk: it outlives the process. */
export class Mark {
  #hrs: Hrs | null = null;
  #content: Uint8Array = new Uint8Array();

  raise(hrs: Hrs, content: Uint8Array): WatermarkVerdict {
    const order = this.#hrs === null ? 1 : compareHrs(hrs, this.#hrs);
    const at = this.#hrs ?? hrs;
    if (order < 0) return { kind: 'refused', reason: 'regressed', at };
    if (order === 0 && Buffer.compare(content, this.#content) !== 0) {
      return { kind: 'refused', reason: 'otherContent', at };
    }
    this.#hrs = hrs;
    this.#content = content;
    return { kind: 'raised', syncMs: 0 };
  }
}

/** A node waits at most this long for an answer on one link. */
const requestDeadlineMs = 5000;
const rules = { commitTimeoutMs: 1000, signsEarly: true };

export class GateSeat {
  readonly #seat: Seat;
  readonly #mark: Mark;
  readonly #keys: SignatureTable;
  #state: GateState = idle;
  #queue: { readonly ticket: Ticket; readonly request: Request; readonly arrivedMs: number }[] = [];
  #asked: Request | null = null;
  #lastTicket: Ticket = 0;
  #deadline: { readonly ticket: Ticket; readonly at: number } | null = null;
  #keyHeld = false;
  #unsigned: Extract<Output, { kind: 'sign' }>[] = [];
  readonly #inputs: Input[] = [];
  #stepping = false;

  constructor(seat: Seat, mark: Mark, keys: SignatureTable) {
    this.#seat = seat;
    this.#mark = mark;
    this.#keys = keys;
  }

  get deadline(): number {
    return this.#deadline?.at ?? Number.POSITIVE_INFINITY;
  }

  ask(request: Request): void {
    this.#lastTicket += 1;
    this.#queue.push({ ticket: this.#lastTicket, request, arrivedMs: this.#seat.now() });
    this.#startNext();
  }

  wake(): void {
    const deadline = this.#deadline;
    if (deadline === null || this.#seat.now() < deadline.at) return;
    this.#deadline = null;
    this.#resume({ kind: 'deadline', ticket: deadline.ticket });
  }

  holdKey(): void {
    this.#keyHeld = true;
  }

  releaseKey(): void {
    this.#keyHeld = false;
    for (const job of this.#unsigned.splice(0)) this.#sign(job);
    this.#startNext();
  }

  #startNext(): void {
    while (this.#state.phase === 'idle' || this.#state.phase === 'stopped') {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const { ticket, request, arrivedMs } = next;
      const { hrs, signBytes } = request;
      this.#asked = request;
      this.#feed({
        kind: 'request',
        ticket,
        asked: {
          kind: 'reserve',
          id: record,
          hrs,
          signBytes,
          by: this.#seat.id,
          at: this.#seat.now(),
        },
        extensionSignBytes: null,
        arrivedMs,
        deadlineMs: arrivedMs + requestDeadlineMs,
        mayServe: this.#seat.mayServe(),
        record: this.#seat.read(),
      });
    }
  }

  #resume(input: Input): void {
    this.#feed(input);
    if (!this.#stepping) this.#startNext();
  }

  #feed(input: Input): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const at = { nowMs: this.#seat.now(), leader: this.#seat.leader() };
      const { state, outputs } = step(this.#state, at, next, rules);
      this.#state = state;
      for (const output of outputs) this.#perform(output);
    }
    this.#stepping = false;
  }

  #perform(output: Output): void {
    switch (output.kind) {
      case 'wakeAt':
        this.#deadline = { ticket: output.ticket, at: output.deadlineMs };
        return;
      case 'reserve':
        this.#seat.reserve(output.asked, (result) => {
          this.#resume({ kind: 'reserved', ticket: output.ticket, result });
        });
        return;
      case 'mark': {
        const result = this.#mark.raise(output.hrs, output.content);
        this.#feed({ kind: 'marked', ticket: output.ticket, result });
        return;
      }
      case 'sign':
        this.#sign(output);
        return;
      case 'verify': {
        const { ticket, job, bytes, signature } = output;
        this.#feed({ kind: 'verified', ticket, job, good: this.#keys.verify(bytes, signature) });
        return;
      }
      case 'answer':
        this.#deadline = null;
        this.#answer(output.outcome);
        return;
      case 'alarm':
        this.#seat.say('raises an alarm');
        return;
      case 'stop':
        this.#seat.stop(output.error.message);
        return;
      default:
        unreachable(output);
    }
  }

  #sign(job: Extract<Output, { kind: 'sign' }>): void {
    if (this.#keyHeld) {
      this.#unsigned.push(job);
      return;
    }
    const signature = this.#keys.sign(job.bytes);
    this.#feed({ kind: 'signed', ticket: job.ticket, job: job.job, signature });
  }

  #answer(outcome: SignOutcome): void {
    const asked = this.#asked === null ? '' : describeBytes(this.#asked.signBytes);
    switch (outcome.kind) {
      case 'released': {
        const signed = this.#keys.signedBy(outcome.signature) ?? new Uint8Array();
        this.#seat.say(`signs ${describeBytes(signed)} (${outcome.verdict})`);
        this.#seat.released(signed);
        return;
      }
      case 'refused':
        this.#seat.say(`refuses ${asked}: ${outcome.code}, ${inWords(outcome.detail)}`);
        return;
      case 'notNow':
        this.#seat.say(`drops the link of who asked for ${asked}: ${reasonOf(outcome)}`);
        return;
      default:
        unreachable(outcome);
    }
  }
}

function reasonOf({ reason, leader }: Extract<SignOutcome, { kind: 'notNow' }>): string {
  switch (reason) {
    case 'notLeader':
      return leader === null ? 'nobody leads' : `${leader} leads, as far as it knows`;
    case 'unknown':
      return 'the outcome is unknown';
    case 'timeout':
      return 'no commit in time';
    case 'busy':
    case 'stopped':
      return reason;
  }
}
