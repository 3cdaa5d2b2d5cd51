/**
 * What a running replica looks at once a second, and says when it changes.
 *
 * Owns    the lines that tell of a state rather than of an event: readiness, quorum, disks, latency, stalls, expiry.
 * Never   acts on what it sees: fitness and journal are shown the disks, and do.
 * Proof   test/replica-watch.test.ts.
 */
import { CERTIFICATE_WARNING_DAYS, type Readiness, type ReadinessWatch } from '../http/index.js';
import type { Journal } from '../journal/index.js';
import { atMost, type Log } from '../log/index.js';
import type { Metrics } from '../metrics/index.js';
import type { ReplicaStatus, StatusSource } from '../status.js';
import type { Fitness } from './fitness.js';
import type { Replica } from './replica.js';

const EVERY_MS = 1000;

/** What is looked at besides the status. */
export interface Watched {
  readonly node: Pick<Replica['node'], 'status'>;
  readonly fitness: Pick<Fitness, 'look'>;
  leaderlessMs(): number;
}

export class Watch {
  readonly #replica: Watched;
  readonly #source: StatusSource;
  readonly #readiness: ReadinessWatch;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #journal: Pick<Journal, 'pause'>;
  readonly #foundingLine = atMost(30_000);
  readonly #joiningLine = atMost(30_000);
  readonly #diskLine = atMost(60_000);
  readonly #latencyLine = atMost(60_000);
  readonly #syncLine = atMost(10_000);
  readonly #expiryLine = atMost(86_400_000);
  #stalls = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Codes that held at the last look. */
  #held = new Set<string>();
  #wasReady: boolean | null = null;
  #isShortOfRoom = false;
  /** While fewer than a quorum are in contact and nobody leads. */
  #lostQuorum: {
    readonly since: number;
    readonly line: (nowMs: number) => number | null;
    said: boolean;
  } | null = null;

  constructor(
    replica: Watched,
    source: StatusSource,
    readiness: ReadinessWatch,
    log: Log,
    metrics: Metrics,
    journal: Pick<Journal, 'pause'>,
  ) {
    this.#replica = replica;
    this.#source = source;
    this.#readiness = readiness;
    this.#log = log;
    this.#metrics = metrics;
    this.#journal = journal;
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
    this.#sayDisks(status);
    this.#replica.fitness.look(status.disks);
    this.#journal.pause(this.#lackOfRoom(status));
    this.#sayLatency(status);
    this.#sayStalls();
    this.#sayExpiry(status);
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
    if (phase.kind === 'joining' && this.#joiningLine(performance.now()) !== null) {
      this.#log('joining_wait', { waits: phase.waits });
    }
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

  /** Only where nobody leads: a replica that reaches the leader alone is still signed with. */
  #sayQuorum({ consensus }: ReplicaStatus): void {
    if (consensus === null) return;
    const { voters, votersReachable: reachable } = consensus;
    const now = performance.now();
    const leaderlessMs = this.#replica.leaderlessMs();
    if (leaderlessMs === 0 || reachable >= Math.floor(voters / 2) + 1) {
      const lost = this.#lostQuorum;
      if (lost?.said) this.#log('quorum_back', { for_ms: now - lost.since });
      this.#lostQuorum = null;
      return;
    }
    this.#lostQuorum ??= { since: now, line: atMost(60_000), said: false };
    if (leaderlessMs <= EVERY_MS || this.#lostQuorum.line(now) === null) return;
    this.#lostQuorum.said = true;
    const missing = consensus.members.filter((m) => m.voter && !m.reachable).map((m) => m.id);
    this.#log('no_quorum', { reachable, voters, missing });
  }

  #sayDisks({ disks, log }: ReplicaStatus): void {
    const now = performance.now();
    const low = disks.find((disk) => disk.freeBytes < disk.minimumBytes);
    if (low !== undefined && this.#diskLine(now) !== null) {
      const { path, freeBytes: free_bytes, minimumBytes: minimum_bytes } = low;
      this.#log('disk_low', { path, free_bytes, minimum_bytes });
    }
    if (log === null || log.lastSyncMs <= log.slowSyncMs || this.#syncLine(now) === null) return;
    this.#log('slow_sync', { took_ms: log.lastSyncMs, limit_ms: log.slowSyncMs });
  }

  /** What is left of a full disk is for the log and for the next start; and again some, so as not to go to and fro. */
  #lackOfRoom({ disks }: ReplicaStatus): string | null {
    const data = disks.find(({ path }) => path === 'data');
    if (data === undefined) return null;
    const { freeBytes, minimumBytes } = data;
    const wantedBytes = this.#isShortOfRoom ? 1.25 * minimumBytes : minimumBytes;
    this.#isShortOfRoom = freeBytes < wantedBytes;
    return this.#isShortOfRoom
      ? 'less than min_free_disk is free: what is left is for the log'
      : null;
  }

  #sayLatency({ chains, latencyBudgetMs: budget_ms }: ReplicaStatus): void {
    const slow = chains.find((chain) => (chain.medianMs ?? 0) > budget_ms);
    if (slow === undefined || slow.medianMs === null) return;
    if (this.#latencyLine(performance.now()) === null) return;
    this.#log('latency', { chain: slow.chainId, median_ms: slow.medianMs, budget_ms });
  }

  #sayStalls(): void {
    const status = this.#replica.node.status();
    if (status === null || status.stalls.count === this.#stalls) return;
    this.#stalls = status.stalls.count;
    const election_timeout_ms = status.electionTimeoutMs;
    this.#log('stalled', { for_ms: status.stalls.lastMs, election_timeout_ms });
  }

  #sayExpiry({ certificateNotAfter: { own } }: ReplicaStatus): void {
    if (own === null) return;
    const days = Math.floor((own - Date.now()) / 86_400_000);
    if (days > CERTIFICATE_WARNING_DAYS || this.#expiryLine(performance.now()) === null) return;
    this.#log('certificate_expires', { certificate: 'own', days });
  }
}
