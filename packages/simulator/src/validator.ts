/**
 * A CometBFT node, as its signer sees it.
 *
 * Owns    one connection at a time and a backlog, one request at a time, and when it asks again.
 * Never   decides what to ask for (workload.ts).
 * Rule    CometBFT privval: signer_listener_endpoint.go (one connection; a second one waits without a byte; a ping each
 *         3.3 s), retry_signer_client.go (50 tries, 100 ms apart; a typed error is final), 5 s for an answer, 3 s to
 *         wait for a connection. The constants are the node's own.
 * Fault   It restarts: what it asked for is forgotten, and it may ask for something else at the same place.
 */
import type { ProposalRequest, SignAnswer, VoteRequest } from '@cometkms/privval';
import { arrivals, type Timeline } from './timeline.js';

const tries = 50;
const pauseMs = 100;
const answerWithinMs = 5000;
const connectionWithinMs = 3000;
const pingEveryMs = 3300;

export type Request = VoteRequest | ProposalRequest;
export type Signed = Extract<SignAnswer, { kind: 'signed' }>;
export type Answered =
  | { readonly kind: 'signed'; readonly answer: Signed }
  | { readonly kind: 'refused'; readonly code: number; readonly description: string }
  /** After the last try. */
  | { readonly kind: 'lost' };

/** A signer's end of a connection, as the node holds it. All calls take the network's time. */
export interface Signer {
  ask(request: Request): void;
  ping(): void;
  /** The node closes it. */
  close(): void;
}

interface Asking {
  readonly request: Request;
  readonly done: (answered: Answered) => void;
  left: number;
  cancelTimer: () => void;
  /** Sent on the connection that stands. */
  sent: boolean;
}

export class Validator {
  readonly address: string;
  readonly #timeline: Timeline;
  #backlog: Signer[] = [];
  #signer: Signer | null = null;
  #asking: Asking | null = null;
  #cancelPing: () => void = () => {};

  constructor(timeline: Timeline, address: string) {
    this.#timeline = timeline;
    this.address = address;
  }

  get isAsking(): boolean {
    return this.#asking !== null;
  }

  get isConnected(): boolean {
    return this.#signer !== null;
  }

  /** One request at a time. */
  ask(request: Request, done: (answered: Answered) => void): void {
    this.#asking = { request, done, left: tries, cancelTimer: () => {}, sent: false };
    this.#try();
  }

  /** The process ends and comes back at once: connections are gone, and what was asked. */
  restart(): void {
    this.#asking?.cancelTimer();
    this.#asking = null;
    const signers = [...this.#backlog, ...(this.#signer === null ? [] : [this.#signer])];
    this.#backlog = [];
    this.#signer = null;
    for (const signer of signers) signer.close();
  }

  // ------------------------------------------------------------------------- what signers do

  connected(signer: Signer): void {
    this.#backlog.push(signer);
    this.#accept();
  }

  /** The connection ended at the other side, by FIN or reset. */
  ended(signer: Signer): void {
    this.#backlog = this.#backlog.filter((other) => other !== signer);
    if (this.#signer !== signer) return;
    this.#signer = null;
    this.#cancelPing();
    // An answer can no longer come: that try is over.
    if (this.#asking?.sent) this.#failed(this.#asking);
    this.#accept();
  }

  answered(signer: Signer, answer: Exclude<SignAnswer, { kind: 'drop' }>): void {
    const asking = this.#asking;
    // Of a connection that the node has given up.
    if (this.#signer !== signer || !asking?.sent) return;
    asking.cancelTimer();
    this.#asking = null;
    if (answer.kind === 'signed') asking.done({ kind: 'signed', answer });
    else asking.done({ kind: 'refused', code: answer.code, description: answer.description });
  }

  // -------------------------------------------------------------------------------- asking

  #accept(): void {
    if (this.#signer !== null) return;
    this.#signer = this.#backlog.shift() ?? null;
    if (this.#signer === null) return;
    this.#ping(this.#signer);
    const asking = this.#asking;
    if (asking !== null && !asking.sent) this.#send(asking, this.#signer);
  }

  #ping(signer: Signer): void {
    signer.ping();
    this.#cancelPing = this.#timeline.plan(this.#timeline.now + pingEveryMs, arrivals, () => {
      if (this.#signer === signer) this.#ping(signer);
    });
  }

  #try(): void {
    const asking = this.#asking;
    if (asking === null) return;
    asking.left -= 1;
    if (this.#signer !== null) this.#send(asking, this.#signer);
    else asking.cancelTimer = this.#later(connectionWithinMs, () => this.#failed(asking));
  }

  #send(asking: Asking, signer: Signer): void {
    asking.cancelTimer();
    asking.sent = true;
    signer.ask(asking.request);
    asking.cancelTimer = this.#later(answerWithinMs, () => {
      // The node closes what does not answer, and takes the next one that waits.
      this.#signer = null;
      this.#cancelPing();
      signer.close();
      this.#failed(asking);
      this.#accept();
    });
  }

  #failed(asking: Asking): void {
    if (this.#asking !== asking) return;
    asking.cancelTimer();
    asking.sent = false;
    if (asking.left > 0) {
      asking.cancelTimer = this.#later(pauseMs, () => this.#try());
      return;
    }
    this.#asking = null;
    asking.done({ kind: 'lost' });
  }

  #later(ms: number, run: () => void): () => void {
    return this.#timeline.plan(this.#timeline.now + ms, arrivals, run);
  }
}
