/**
 * What a running replica looks at once a second, and says when it changes.
 *
 * Owns    the lines `ready` and `not_ready`, `no_quorum`, `founding_wait`, `slow_sync`, and sampling round trips.
 * Never   acts on what it sees.
 */
import type { Readiness, ReadinessWatch } from '../http/index.js';
import { atMost, type Log } from '../log/index.js';
import type { Metrics } from '../metrics/index.js';
import type { ReplicaStatus, StatusSource } from '../status.js';
import type { Replica } from './replica.js';

const EVERY_MS = 1000;

export class Watch {
  readonly #replica: Replica;
  readonly #source: StatusSource;
  readonly #readiness: ReadinessWatch;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #foundingLine = atMost(30_000);
  readonly #quorumLine = atMost(60_000);
  #timer: NodeJS.Timeout | null = null;
  /** Codes that held at the last look. */
  #held = new Set<string>();
  #wasReady: boolean | null = null;
  #noQuorumSince: number | null = null;

  constructor(
    replica: Replica,
    source: StatusSource,
    readiness: ReadinessWatch,
    log: Log,
    metrics: Metrics,
  ) {
    this.#replica = replica;
    this.#source = source;
    this.#readiness = readiness;
    this.#log = log;
    this.#metrics = metrics;
  }

  start(): void {
    this.#look();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const status = this.#source.status();
    this.#say(this.#readiness.judge(status, Date.now()));
    this.#sayFounding(status);
    this.#sayQuorum(status);
    for (const member of status.consensus?.members ?? []) {
      if (member.rttMs !== null) this.#metrics.peerRoundTrip(member.id, member.rttMs);
    }
  }

  #say(readiness: Readiness): void {
    const codes = new Set<string>(readiness.reasons.map((reason) => reason.code));
    for (const { code, detail } of readiness.reasons) {
      if (!this.#held.has(code)) this.#log('not_ready', { code, detail });
    }
    if (readiness.ready && this.#wasReady !== true) {
      this.#log('ready', { notes: readiness.notes.map((note) => note.code) });
    }
    this.#held = codes;
    this.#wasReady = readiness.ready;
  }

  #sayFounding({ phase }: ReplicaStatus): void {
    // Nobody is waited for by a replica that is alone, or that founds just now.
    if (phase.kind !== 'founding' || phase.missing.length === 0) return;
    if (this.#foundingLine(performance.now()) === null) return;
    const { answered, missing } = phase;
    this.#log('founding_wait', {
      answered: answered.length,
      members: answered.length + missing.length,
      missing,
    });
  }

  #sayQuorum({ consensus }: ReplicaStatus): void {
    if (consensus === null) return;
    const now = performance.now();
    const leaderless = this.#replica.leaderlessMs() > EVERY_MS;
    if (!leaderless) {
      if (this.#noQuorumSince !== null) {
        this.#log('quorum_back', { for_ms: now - this.#noQuorumSince });
      }
      this.#noQuorumSince = null;
      return;
    }
    this.#noQuorumSince ??= now - this.#replica.leaderlessMs();
    if (this.#quorumLine(now) === null) return;
    this.#log('no_quorum', {
      reachable: consensus.votersReachable,
      voters: consensus.voters,
      missing: consensus.members.filter((m) => !m.reachable).map((m) => m.id),
    });
  }
}
