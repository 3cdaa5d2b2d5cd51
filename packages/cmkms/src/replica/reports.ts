/**
 * What is told of a sign request after its answer has left: log, metrics, journal.
 *
 * Owns    which line, which counters and which journal entry an outcome becomes.
 * Never   runs before the answer was handed out, is awaited, or lets a fault of its own reach a signature.
 * Proof   test/replica-reports.test.ts.
 */
import {
  type RecordId,
  readSignBytes,
  type SigningRecord,
  SignStateError,
} from '@cometkms/sign-state';
import type { Released, SignRequest } from '@cometkms/signer';
import type { Journal } from '../journal/index.js';
import { atMost, type Log, type RefusedVerdict } from '../log/index.js';
import { type Metrics, type Outcome, outcomeOf } from '../metrics/index.js';
import { type ChainKey, type SignType, signTypes } from '../status.js';
import type { ReplicaClock } from './edges.js';
import type { RoutedOutcome } from './router.js';

export interface Reported {
  readonly chain: ChainKey;
  readonly request: SignRequest;
  readonly outcome: RoutedOutcome;
  /** Monotonic; when the outcome was known, before it was handed to whoever asked. */
  readonly decidedAt: number;
  /** Address of the validator that asked. */
  readonly validator: string;
  /** The replica that handed the request to us; null: its link is ours. */
  readonly via: string | null;
  /** From its last byte to a request that can be judged; null: that was at another replica. */
  readonly decodeMs: number | null;
  /** True where another replica answered and has told of it already. */
  readonly answeredElsewhere: boolean;
}

/** As it stood when the outcome was known. */
interface Waiting extends Reported {
  /** Unix milliseconds. */
  readonly at: number;
  /** The reservation that a repeated request met; the record may have moved on when this is told. */
  readonly first: SigningRecord['last'];
  /** From the outcome until its bytes were handed to the kernel. */
  writeMs: number;
}

/** With what its bytes say. */
interface Told extends Waiting {
  readonly type: SignType;
  readonly block: string;
}

/**
 * What comes within this time is told together: code that runs ten times in a row is still in the caches of the
 * processor the second time, and the next request finds the loop free.
 */
const GATHER_MS = 20;

/** Releases over which the median is taken. */
const MEDIAN_OF = 100;

export class Reports {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #journal: Pick<Journal, 'append'>;
  readonly #clock: ReplicaClock;
  readonly #read: (id: RecordId) => SigningRecord | undefined;
  readonly #latencies = new Map<string, number[]>();
  readonly #releasedAt = new Map<string, number>();
  readonly #drops = new Map<string, (nowMs: number) => number | null>();
  #waiting: Waiting[] = [];
  #cancelTimer: (() => void) | null = null;

  /** @param read this replica's applied state: who made the reservation that stands */
  constructor(
    log: Log,
    metrics: Metrics,
    journal: Pick<Journal, 'append'>,
    clock: ReplicaClock,
    read: (id: RecordId) => SigningRecord | undefined,
  ) {
    this.#read = read;
    this.#log = log;
    this.#metrics = metrics;
    this.#journal = journal;
    this.#clock = clock;
  }

  /** Unix milliseconds of this replica's last release; null before the first. */
  lastReleasedAt(chain: ChainKey): number | null {
    return this.#releasedAt.get(nameOf(chain)) ?? null;
  }

  medianMs(chain: ChainKey): number | null {
    const sorted = [...(this.#latencies.get(nameOf(chain)) ?? [])].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  }

  /** Tells of it once the answer is on its way, and with others that come meanwhile. */
  later(reported: Reported): void {
    const { outcome, request, decidedAt } = reported;
    const repeated = outcome.kind === 'released' && outcome.verdict !== 'granted';
    const first = repeated ? (this.#read(request.id)?.last ?? null) : null;
    const waiting: Waiting = { ...reported, at: this.#clock.wallMs(), first, writeMs: 0 };
    // Runs when no promise is left to be continued: the answer is with the kernel then, since the session is
    // only promises away, and sockets write what they are given at once.
    process.nextTick(() => {
      waiting.writeMs = this.#clock.nowMs() - decidedAt;
    });
    this.#waiting.push(waiting);
    this.#cancelTimer ??= this.#clock.after(GATHER_MS, () => this.tellNow());
  }

  /** All that waits to be told; at the end nothing is left untold. */
  tellNow(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (const waiting of this.#waiting.splice(0)) {
      try {
        this.#tell(waiting);
      } catch (error) {
        // The signature is out, and telling of it is no reason to stop signing.
        this.#log('trace', { what: 'a report failed', detail: String(error) });
      }
    }
  }

  #tell(waiting: Waiting): void {
    const { chain, request, outcome, via, answeredElsewhere } = waiting;
    const type = signTypes[request.hrs.step - 1] ?? 'precommit';
    const label: Outcome = outcome.kind === 'noQuorum' ? 'no_quorum' : outcomeOf(outcome);
    // Counted where the link is: a sum over replicas counts each request once.
    if (via === null) this.#metrics.signRequest(chain, type, label);
    if (answeredElsewhere) return;
    // Of the bytes that are signed as well: those may have another time, and nothing else.
    const told: Told = { ...waiting, type, block: blockOf(request.signBytes) };
    if (outcome.kind === 'released') this.#released(told, outcome);
    else if (outcome.kind === 'notNow') this.#dropped(told, outcome.leader);
    else this.#refused(told, label as RefusedVerdict);
    this.#write(told, label);
  }

  #released(told: Told, released: Released): void {
    const { chain, request, via, type, block, decodeMs, at, writeMs, first } = told;
    const { stages, proof } = released;
    this.#metrics.released(chain, {
      type,
      height: request.hrs.height,
      nil: block === 'nil',
      at,
      stagesMs: { ...(decodeMs === null ? {} : { decode: decodeMs }), ...stages, write: writeMs },
    });
    this.#metrics.watermarkSynced(stages.watermark);
    this.#releasedAt.set(nameOf(chain), at);
    this.#remember(chain, stages.total);
    const asked = { ...this.#asked(told), via, term: proof.term, index: proof.index };
    if (released.verdict === 'granted') {
      this.#log('signed', {
        ...asked,
        verdict: 'granted',
        total_ms: stages.total,
        commit_ms: stages.commit,
        watermark_ms: stages.watermark,
        sign_ms: stages.sign,
      });
    } else {
      const { verdict } = released;
      this.#log('replayed', {
        ...asked,
        verdict,
        first: new Date(first?.at ?? 0).toISOString(),
        by: first?.by ?? '?',
        total_ms: stages.total,
      });
    }
  }

  #refused(told: Told, verdict: RefusedVerdict): void {
    const { outcome, via } = told;
    const detail = outcome.kind === 'refused' ? outcome.detail : 'no leader';
    this.#log('refused', { ...this.#asked(told), verdict, detail, via });
  }

  /** At most one line a second for each link: a node asks again ten times in that time. */
  #dropped({ chain, validator, outcome }: Reported, leader: string | null): void {
    const allows = this.#drops.get(validator) ?? atMost(1000);
    this.#drops.set(validator, allows);
    const more = allows(this.#clock.nowMs());
    if (more === null) return;
    const gone = outcome.kind === 'notNow' && outcome.reason === 'notLeader';
    const reason = gone ? 'not_leader' : 'timeout';
    this.#log('dropped', { chain: chain.chainId, validator, reason, leader, more });
  }

  #asked({ chain, request, validator, type, block }: Told) {
    return {
      chain: chain.chainId,
      key: chain.keyAddress,
      type,
      h: request.hrs.height,
      r: request.hrs.round,
      block,
      validator,
    };
  }

  #write(told: Told, outcome: Outcome): void {
    const { chain, request, validator, via, type, block, at } = told;
    const answer = told.outcome;
    const released = answer.kind === 'released' ? answer : null;
    this.#journal.append({
      chainId: chain.chainId,
      keyAddress: chain.keyAddress,
      at,
      type,
      height: request.hrs.height,
      round: request.hrs.round,
      block,
      validator,
      via,
      outcome,
      detail: answer.kind === 'refused' ? answer.detail : null,
      term: released?.proof.term ?? null,
      index: released?.proof.index ?? null,
      stagesMs: released?.stages ?? {},
      signBytes: request.signBytes,
    });
  }

  #remember(chain: ChainKey, totalMs: number): void {
    const latencies = this.#latencies.get(nameOf(chain)) ?? [];
    this.#latencies.set(nameOf(chain), latencies);
    latencies.push(totalMs);
    if (latencies.length > MEDIAN_OF) latencies.shift();
  }
}

const nameOf = (chain: ChainKey): string => `${chain.chainId}/${chain.keyAddress}`;

/** First eight hex digits of the block's hash, or `nil`; `?` where the bytes are none. */
function blockOf(signBytes: Uint8Array): string {
  try {
    const { blockId } = readSignBytes(signBytes);
    return blockId === null ? 'nil' : Buffer.from(blockId.hash).toString('hex', 0, 4).toUpperCase();
  } catch (error) {
    if (error instanceof SignStateError) return '?';
    throw error;
  }
}
