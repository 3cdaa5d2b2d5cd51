/**
 * What the running replica tells about itself, event by event, and the text that Prometheus reads.
 *
 * Owns    which event moves which metric.
 * Never   decides anything, throws, or is waited for on the road of a signature.
 * Proof   test/metrics-recording.test.ts.
 */
import type { Readiness } from '../http/readiness.js';
import { type ChainKey, keyLabel, type ReplicaStatus, type SignType } from '../status.js';
import {
  type BadFrameReason,
  type CommitStageLabel,
  commitStages,
  type DialOutcome,
  type ElectionResult,
  type MetricsWorld,
  type Outcome,
  type SecondGateReason,
  type StageLabel,
  type StateCheckResult,
} from './catalogue.js';
import { EventLoopLag } from './event-loop-lag.js';
import { setStatusGauges } from './gauges.js';
import { type Labels, Series } from './series.js';

/** One link as configured. */
export interface LinkKey {
  readonly chainId: string;
  readonly validator: string;
}

export interface ReleasedSignature {
  readonly type: SignType;
  readonly height: bigint;
  /** A vote for no block. */
  readonly nil: boolean;
  /** Unix milliseconds. */
  readonly at: number;
  readonly stagesMs: Partial<Readonly<Record<StageLabel, number>>>;
}

/** What others count and we only show. */
export interface Losses {
  readonly logLines: number;
  readonly journalEntries: number;
}

export interface MetricsOptions {
  /** prom-client's `process_*` and `nodejs_*` as well. Default true. */
  readonly processMetrics?: boolean;
  readonly losses?: () => Losses;
}

const stepTypes: Readonly<Record<number, SignType>> = {
  1: 'proposal',
  2: 'prevote',
  3: 'precommit',
};

export class Metrics {
  readonly #series: Series;
  readonly #lag: EventLoopLag;
  readonly #losses: () => Losses;
  readonly #reserved = new Map<string, ReservedHeights>();

  constructor(world: MetricsWorld, options: MetricsOptions = {}) {
    this.#series = new Series(world, options.processMetrics ?? true);
    this.#losses = options.losses ?? (() => ({ logLines: 0, journalEntries: 0 }));
    this.#lag = new EventLoopLag((ms) =>
      this.#series.observe('cmkms_event_loop_lag_seconds', {}, ms),
    );
  }

  /** Ends the timer behind the event-loop lag. */
  stop(): void {
    this.#lag.stop();
  }

  // ---------------------------------------------------------------------------- sign requests

  /** One sign request came to its end at this replica, which holds the link. */
  signRequest(chain: ChainKey, type: SignType, outcome: Outcome): void {
    const labels = { ...chainLabels(chain), type };
    this.#series.count('cmkms_sign_requests_total', { ...labels, outcome });
    if (outcome === 'conflict') this.#series.count('cmkms_double_sign_attempts_total', labels);
  }

  /** A signature left this replica (as leader), towards a validator or the replica that asked. */
  released(chain: ChainKey, release: ReleasedSignature): void {
    const { type } = release;
    const labels = chainLabels(chain);
    for (const [stage, ms] of Object.entries(release.stagesMs)) {
      this.#series.observe('cmkms_sign_duration_seconds', { ...labels, type, stage }, ms);
    }
    this.#series.gauge(
      'cmkms_last_released_timestamp_seconds',
      { ...labels, type },
      release.at / 1000,
    );
    if (type === 'proposal') return;
    if (release.nil) this.#series.count('cmkms_nil_votes_total', { ...labels, type });
    const missed = this.#heights(chain, type).takeGap(release.height);
    if (missed > 0) this.#series.count('cmkms_missed_heights_total', { ...labels, type }, missed);
  }

  /** A reservation was applied here (granted), or is the last one of a restored state: on every replica. */
  reserved(chain: ChainKey, hrs: { height: bigint; round: number; step: number }): void {
    const type = stepTypes[hrs.step];
    if (type === undefined) return;
    const labels = { ...chainLabels(chain), type };
    this.#series.gauge('cmkms_last_reserved_height', labels, Number(hrs.height));
    this.#series.gauge('cmkms_last_reserved_round', labels, hrs.round);
    this.#heights(chain, type).reserved(hrs.height);
  }

  secondGateRefused(chain: ChainKey, reason: SecondGateReason): void {
    this.#series.count('cmkms_second_gate_refusals_total', { ...chainLabels(chain), reason });
  }

  selfVerifyFailed(chain: ChainKey): void {
    this.#series.count('cmkms_self_verify_failures_total', chainLabels(chain));
  }

  watermarkSynced(ms: number): void {
    this.#series.observe('cmkms_watermark_sync_duration_seconds', {}, ms);
  }

  // -------------------------------------------------------------------------- validator links

  pubKeyAnswered(link: LinkKey): void {
    this.#series.count('cmkms_pubkey_requests_total', linkLabels(link));
  }

  dialed(link: LinkKey, outcome: DialOutcome): void {
    this.#series.count('cmkms_validator_dials_total', { ...linkLabels(link), outcome });
  }

  badFrame(link: LinkKey, reason: BadFrameReason): void {
    this.#series.count('cmkms_validator_bad_frames_total', { ...linkLabels(link), reason });
  }

  /** A message of any kind came. @param at  Unix milliseconds */
  validatorSpoke(link: LinkKey, at: number): void {
    const labels = linkLabels(link);
    this.#series.gauge('cmkms_validator_last_request_timestamp_seconds', labels, at / 1000);
  }

  // -------------------------------------------------------------------------------- consensus

  election(result: ElectionResult): void {
    this.#series.count('cmkms_raft_elections_total', { result });
  }

  leaderChanged(): void {
    this.#series.count('cmkms_raft_leader_changes_total');
  }

  stateChecked(result: StateCheckResult): void {
    this.#series.count('cmkms_state_checks_total', { result });
  }

  peerRoundTrip(peer: string, ms: number): void {
    this.#series.observe('cmkms_raft_peer_rtt_seconds', { peer }, ms);
  }

  /** One proposal of this replica, in milliseconds since it was made; null: that was not waited for. */
  committed(stagesMs: Readonly<Record<CommitStageLabel, number | null>>): void {
    for (const stage of commitStages) {
      const ms = stagesMs[stage];
      if (ms !== null) this.#series.observe('cmkms_raft_commit_duration_seconds', { stage }, ms);
    }
  }

  logSynced(ms: number): void {
    this.#series.observe('cmkms_wal_sync_duration_seconds', {}, ms);
  }

  // ------------------------------------------------------------------------------------- text

  get contentType(): string {
    return this.#series.registry.contentType;
  }

  /** The text that Prometheus reads; gauges are set from these facts first. */
  text(status: ReplicaStatus, readiness: Readiness, now: number): Promise<string> {
    setStatusGauges(this.#series, status, readiness, now);
    const losses = this.#losses();
    this.#series.total('cmkms_log_lines_dropped_total', losses.logLines);
    this.#series.total('cmkms_journal_entries_dropped_total', losses.journalEntries);
    return this.#series.registry.metrics();
  }

  #heights(chain: ChainKey, type: SignType): ReservedHeights {
    const name = `${chain.chainId}/${chain.keyAddress}/${type}`;
    let heights = this.#reserved.get(name);
    if (heights === undefined) {
      heights = new ReservedHeights();
      this.#reserved.set(name, heights);
    }
    return heights;
  }
}

/**
 * The reserved heights of one type, for counting those that were passed over. Every replica sees every
 * reservation; only the one that releases counts, so that a sum over replicas is right.
 */
class ReservedHeights {
  #last: bigint | null = null;
  #gapBelow: bigint | null = null;
  #gap = 0;

  reserved(height: bigint): void {
    if (this.#last !== null && height > this.#last) {
      this.#gapBelow = height;
      this.#gap = Number(height - this.#last - 1n);
    }
    if (this.#last === null || height > this.#last) this.#last = height;
  }

  /** The heights passed over just below `height`; once. */
  takeGap(height: bigint): number {
    if (this.#gapBelow !== height) return 0;
    this.#gapBelow = null;
    return this.#gap;
  }
}

function chainLabels(chain: ChainKey): Labels {
  return { chain_id: chain.chainId, key: keyLabel(chain.keyAddress) };
}

function linkLabels(link: LinkKey): Labels {
  return { chain_id: link.chainId, validator: link.validator };
}
