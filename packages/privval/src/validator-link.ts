/**
 * The link to one validator: dialled again and again for as long as it is held.
 *
 * Owns    when to dial, which attempt is the current one, the link's state in an operator's words.
 * Never   has two attempts or sessions at once (one loop runs them all), decides who holds the
 *         link, or gives up: a node that starts waits 3 s for its signer and then exits.
 * Rule    docs/architecture.md, who holds a validator's link; CometBFT
 *         privval/signer_listener_endpoint.go for what a node does with each kind of end.
 * Proof   test/validator-link.test.ts, against real listeners, good and bad.
 */
import { performance } from 'node:perf_hooks';
import type { ValidatorAddress } from './address.js';
import type { Connection, PlainConnection } from './connection.js';
import { defaultDialTimeoutMs, dial } from './dialer.js';
import { asPrivvalError, type PrivvalCode, type PrivvalError } from './errors.js';
import { createIdentity, type Identity } from './sealed-frames.js';
import { defaultHandshakeTimeoutMs, secretHandshake } from './secret-connection.js';
import {
  defaultSessionOptions,
  type LogEntry,
  type RequestKind,
  Session,
  type SessionEvents,
  type SessionOptions,
  type SigningHandler,
} from './session.js';

export type LinkState =
  /** Not held. */
  | 'idle'
  | 'dialing'
  /** Open, and not one message yet. */
  | 'handshaking'
  /** Open, but silent: another signer holds this node's connection. */
  | 'parked'
  /** Pings or public-key requests, no sign request lately. */
  | 'connected'
  /** Asked to sign within `activeForMs`. */
  | 'active';

export type DialOutcome =
  | 'ok'
  | 'refused'
  | 'timeout'
  | 'handshake'
  | 'not_privval'
  | 'parked'
  | 'other';

/**
 * How a link that is let go closes its connection: FIN, or RST (on unix: closed), or so once a request that is being
 * answered has its answer.
 */
export type Closing = 'end' | 'reset' | 'resetOnceAnswered';

export interface LinkEvents {
  onState(state: LinkState, detail: string): void;
  /** One attempt is over. For `ok` the detail names the other side's key, for others the cause. */
  onDial(outcome: DialOutcome, detail: string): void;
  /**
   * Nothing comes from there: a validator that talked fell silent, or a dial got no answer at all. Not where it
   * answers, however badly, nor where another signer holds the node. Said before the state changes.
   */
  onSilent(): void;
  /** Bytes that ended the connection; `reason` is fit for a metric's label (`oversize`). */
  onBadFrame(reason: string): void;
  onRequest(kind: RequestKind): void;
  /** Answered by `error`, without reaching the handler. */
  onInvalidRequest(kind: RequestKind, error: PrivvalError): void;
  /** Not limited in rate: a link that is refused says so twice a second. */
  onLog(entry: LogEntry): void;
}

export interface LinkOptions extends SessionOptions {
  /** From one dial to the next, give or take a fifth; never above 1 s. */
  readonly retryMs: number;
  readonly dialTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** Of silence on an open connection, until it is called parked. */
  readonly parkedAfterMs: number;
  /** A link stays `active` for this long after a sign request. */
  readonly activeForMs: number;
  /** Ours towards nodes, none of which checks it. */
  readonly identity: Identity;
}

export const defaultLinkOptions: Omit<LinkOptions, 'identity'> = {
  ...defaultSessionOptions,
  retryMs: 500,
  dialTimeoutMs: defaultDialTimeoutMs,
  handshakeTimeoutMs: defaultHandshakeTimeoutMs,
  // A node accepts within 3.3 s of noticing that its last signer left, or pings after as long.
  parkedAfterMs: 4000,
  activeForMs: 60_000,
};

const maxRetryMs = 1000;

/** Any other failure is `other` before the connection is open, `handshake` after. */
const outcomes: Partial<Record<PrivvalCode, DialOutcome>> = {
  PRIVVAL_REFUSED: 'refused',
  PRIVVAL_SOCKET_MISSING: 'refused',
  PRIVVAL_DIAL_TIMEOUT: 'timeout',
  PRIVVAL_NOT_PRIVVAL: 'not_privval',
  PRIVVAL_PARKED: 'parked',
};

/** Dials that nothing answered. */
const unanswered: ReadonlySet<PrivvalCode> = new Set([
  'PRIVVAL_DIAL_TIMEOUT',
  'PRIVVAL_UNREACHABLE',
]);

/** Ends by the peer's bytes; all other ends say nothing about them. */
const badFrames: ReadonlySet<PrivvalCode> = new Set([
  'PRIVVAL_DECRYPT',
  'PRIVVAL_CHUNK_LENGTH',
  'PRIVVAL_OVERSIZE',
  'PRIVVAL_VARINT',
  'PRIVVAL_TRUNCATED',
  'PRIVVAL_UNDECODABLE',
  'PRIVVAL_EMPTY_MESSAGE',
  'PRIVVAL_UNEXPECTED_MESSAGE',
  'PRIVVAL_PIPELINED',
  'PRIVVAL_NOT_READING',
]);

/** One try, from the dial to the end of the handshake. */
interface Attempt {
  readonly aborter: AbortController;
  plain: PlainConnection | null;
}

export class ValidatorLink {
  readonly #options: LinkOptions;
  #held = false;
  #state: LinkState = 'idle';
  /** The loop, while it runs; it outlives a release until its connection is closed. */
  #running = false;
  #awaitingClose: (() => void)[] = [];
  /** Told once the connection is gone. */
  #releasedFor = '';
  /** Ends whatever the loop waits for now. */
  #interrupt: ((closing: Closing) => void) | null = null;
  #lastDialAt = Number.NEGATIVE_INFINITY;
  #holdOffUntil = Number.NEGATIVE_INFINITY;
  #tries = 0;
  #silenceTimer: NodeJS.Timeout | undefined;
  #activeTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly address: ValidatorAddress,
    readonly handler: SigningHandler,
    readonly events: LinkEvents,
    options: Partial<LinkOptions> = {},
  ) {
    const identity = options.identity ?? createIdentity();
    this.#options = { ...defaultLinkOptions, ...options, identity };
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Dials, and goes on until released. Does nothing while held. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    if (!this.#running) void this.#run();
  }

  /**
   * Lets go: nothing is answered on this link from here on, not even a request that is being
   * signed; that one only by `resetOnceAnswered`.
   * @param reason  for whoever is told that the link is idle
   * @returns when the connection is closed; never rejects
   */
  release(closing: Closing = 'end', reason = 'released'): Promise<void> {
    this.#held = false;
    this.#releasedFor = reason;
    if (!this.#running) return Promise.resolve();
    // Not the end of the loop: the link may be held again before that.
    const closed = new Promise<void>((resolve) => this.#awaitingClose.push(resolve));
    this.#interrupt?.(closing);
    return closed;
  }

  /** Resets the connection, if there is one, and dials again after `holdOffMs` at the earliest. */
  reset(holdOffMs: number): void {
    this.#holdOffUntil = performance.now() + holdOffMs;
    this.#interrupt?.('reset');
    if (this.#held) this.#show('dialing', `reset; next dial in ${holdOffMs} ms`);
  }

  // --------------------------------------------------------------------------------- the loop

  /** One after the other, so that a node never meets two connections of ours. */
  async #run(): Promise<void> {
    this.#running = true;
    while (this.#held) {
      // A parked link says so through its next attempts: else it would flap every ten seconds.
      if (this.#state !== 'parked') this.#show('dialing', this.address.text);
      await this.#untilDue();
      // Also for one that let go and held again while there was nothing to close.
      this.#connectionIsGone();
      if (!this.#held) break;
      const connection = await this.#connect();
      if (connection !== null) await this.#serve(connection);
      this.#connectionIsGone();
    }
    this.#running = false;
    this.#show('idle', this.#releasedFor);
    this.#connectionIsGone();
  }

  #connectionIsGone(): void {
    for (const resolve of this.#awaitingClose.splice(0)) resolve();
  }

  /**
   * Spaces the dials, not the pauses: a session that lasted is followed by a dial at once, and a
   * peer that closes each connection at once cannot make us spin.
   */
  async #untilDue(): Promise<void> {
    const jitter = 0.8 + 0.4 * Math.random();
    const spacing = Math.min(maxRetryMs, this.#options.retryMs * jitter);
    // Again after an interrupt: it may have been a reset, with a later time.
    while (this.#held) {
      const dueAt = Math.max(this.#lastDialAt + spacing, this.#holdOffUntil);
      const waitMs = dueAt - performance.now();
      if (waitMs <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#interrupt = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Null: it failed and was reported, or was interrupted. */
  async #connect(): Promise<Connection | null> {
    const dialledAt = performance.now();
    this.#lastDialAt = dialledAt;
    this.#tries += 1;
    const attempt = this.#interruptible();
    const plain = await this.#dial(attempt);
    if (plain === null) return null;
    if (this.#state !== 'parked') this.#show('handshaking', 'open, waiting for its first bytes');
    this.#watchSilence('tcp open, no bytes: another signer holds this node');
    const opened = await this.#secure(plain, attempt);
    clearTimeout(this.#silenceTimer);
    if (opened === null) return null;
    const { connection, detail } = opened;
    this.events.onDial('ok', detail);
    const tookMs = Math.round(performance.now() - dialledAt);
    this.#log('info', 'link open', { detail, tookMs, tries: this.#tries });
    this.#tries = 0;
    return connection;
  }

  /** One interrupt for the whole attempt: between two of them there would be a moment with none. */
  #interruptible(): Attempt {
    const attempt: Attempt = { aborter: new AbortController(), plain: null };
    this.#interrupt = (closing) => {
      attempt.aborter.abort();
      if (closing === 'end') attempt.plain?.end();
      else attempt.plain?.reset();
    };
    return attempt;
  }

  async #dial(attempt: Attempt): Promise<PlainConnection | null> {
    const { signal } = attempt.aborter;
    try {
      attempt.plain = await dial(this.address, this.#options.dialTimeoutMs, signal);
      if (!signal.aborted) return attempt.plain;
      // Interrupted in the very turn in which it opened: too late for the signal.
      attempt.plain.reset();
    } catch (error) {
      if (!signal.aborted) this.#dialFailed('other', asPrivvalError(error));
    }
    return null;
  }

  async #secure(
    plain: PlainConnection,
    { aborter: { signal } }: Attempt,
  ): Promise<{ connection: Connection; detail: string } | null> {
    if (plain.transport === 'unix') return { connection: plain, detail: 'unix socket' };
    try {
      const { identity, handshakeTimeoutMs: timeoutMs } = this.#options;
      const connection = await secretHandshake(plain, { identity, timeoutMs });
      const key = Buffer.from(connection.remoteKey).toString('hex');
      return { connection, detail: `remote key ${key}` };
    } catch (error) {
      if (!signal.aborted) this.#dialFailed('handshake', asPrivvalError(error));
      return null;
    }
  }

  async #serve(connection: Connection): Promise<void> {
    const session = new Session(connection, this.handler, this.#sessionEvents(), this.#options);
    this.#interrupt = (closing) => {
      if (closing === 'end') session.close();
      else if (closing === 'reset') session.reset();
      else session.resetOnceAnswered();
    };
    if (this.#state !== 'parked') this.#show('handshaking', 'open, waiting for its first message');
    this.#watchSilence('open, but no message: another signer holds this node');
    const cause = await session.ended;
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#activeTimer);
    const reason = cause.code.replace('PRIVVAL_', '').toLowerCase();
    if (badFrames.has(cause.code)) this.events.onBadFrame(reason);
    const talked = this.#state === 'connected' || this.#state === 'active';
    if (cause.code === 'PRIVVAL_IDLE' && talked) this.events.onSilent();
    const level = this.#held ? 'warn' : 'info';
    this.#log(level, 'link closed', { code: cause.code, detail: cause.message });
    if (this.#held) this.#show('dialing', cause.message);
  }

  // ------------------------------------------------------------------------------- the state

  #sessionEvents(): SessionEvents {
    return {
      onRequest: (kind) => {
        clearTimeout(this.#silenceTimer);
        if (kind === 'vote' || kind === 'proposal') this.#becomeActive();
        else if (this.#state !== 'active') this.#show('connected', `asked by ${kind}`);
        this.events.onRequest(kind);
      },
      onInvalidRequest: (kind, error) => this.events.onInvalidRequest(kind, error),
      onLog: ({ level, message, facts }) => this.#log(level, message, facts),
    };
  }

  #becomeActive(): void {
    clearTimeout(this.#activeTimer);
    const { activeForMs } = this.#options;
    this.#activeTimer = setTimeout(
      () => this.#show('connected', `no sign request for ${activeForMs} ms`),
      activeForMs,
    );
    if (this.#state === 'active') return;
    this.#show('active', 'asked to sign');
    this.#log('info', 'link active', {});
  }

  #watchSilence(detail: string): void {
    this.#silenceTimer = setTimeout(() => {
      if (this.#state === 'parked') return;
      this.#show('parked', detail);
      this.#log('warn', 'link parked', { detail });
    }, this.#options.parkedAfterMs);
  }

  #dialFailed(otherwise: DialOutcome, error: PrivvalError): void {
    const outcome = outcomes[error.code] ?? otherwise;
    this.events.onDial(outcome, error.message);
    if (unanswered.has(error.code)) this.events.onSilent();
    const facts = { outcome, code: error.code, detail: error.message, tries: this.#tries };
    this.#log('warn', 'dial failed', facts);
    this.#show(outcome === 'parked' ? 'parked' : 'dialing', error.message);
  }

  #show(state: LinkState, detail: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.events.onState(state, detail);
  }

  #log(level: LogEntry['level'], message: string, facts: LogEntry['facts']): void {
    this.events.onLog({ level, message, facts: { validator: this.address.text, ...facts } });
  }
}
