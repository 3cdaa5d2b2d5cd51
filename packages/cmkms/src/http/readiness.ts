/**
 * Whether this replica can do its part now, and what else its operator should know.
 *
 * Owns    the codes, what each says, and the rule for each: a pure function from facts to findings.
 * Never   asks whether this replica leads or whether a validator is up: a node that is down, restarting
 *         or halted must not make an orchestrator evict signers, and a chain that waits for the other
 *         replicas' restart must not stop that very restart. Those are notes.
 * Proof   test/http-readiness.test.ts (each row, alone and together).
 */
import { faultTolerance, type ReplicaStatus } from '../status.js';

export const reasonCodes = [
  'STARTING',
  'WAITING_FOR_FOUNDING',
  'WAITING_FOR_ADMISSION',
  'NO_QUORUM',
  'CATCHING_UP',
  'KEY_MISSING',
  'STATE_BEHIND',
  'DISK_LOW',
  'DISK_SLOW',
  'WAL_FAILED',
  'REPLACED',
  'DRAINING',
] as const;
export type ReasonCode = (typeof reasonCodes)[number];

export const noteCodes = [
  'NO_FAULT_TOLERANCE',
  'CONFIG_DRIFT',
  'MEMBERS_CHANGED',
  'CERT_EXPIRES',
  'CHAIN_UNREGISTERED',
  'CHAIN_HALTED',
  'CHAIN_RETIRED',
  'VALIDATOR_DOWN',
  'LATENCY_BUDGET',
] as const;
export type NoteCode = (typeof noteCodes)[number];

export interface Finding<Code extends string> {
  readonly code: Code;
  readonly detail: string;
}

export interface Findings {
  /** Empty: ready. At most one finding per code. */
  readonly reasons: readonly Finding<ReasonCode>[];
  readonly notes: readonly Finding<NoteCode>[];
}

/** What is known as committed is applied within moments while a replica works; more entries than this are a lag. */
export const CATCHING_UP_ENTRIES = 1000;
export const CERTIFICATE_WARNING_DAYS = 60;
const DAY_MS = 86_400_000;

type Rule = (status: ReplicaStatus, now: number) => string | null;

const reasonRules: Readonly<Record<ReasonCode, Rule>> = {
  STARTING: (s) => {
    const early = s.phase.kind === 'starting' || (s.phase.kind === 'running' && !s.consensus);
    return early ? 'the log is being opened' : null;
  },
  WAITING_FOR_FOUNDING: (s) =>
    s.phase.kind === 'founding'
      ? `${s.phase.answered.length} of ${s.phase.answered.length + s.phase.missing.length} members answered, missing ${s.phase.missing.join(', ')}`
      : null,
  WAITING_FOR_ADMISSION: (s) => (s.phase.kind === 'joining' ? s.phase.waits : null),
  NO_QUORUM: noQuorum,
  CATCHING_UP: (s) => {
    if (s.consensus === null) return null;
    const behind = s.consensus.commitIndex - s.consensus.appliedIndex;
    if (s.consensus.role === 'learner') return 'this replica is a learner and has no vote yet';
    return behind > CATCHING_UP_ENTRIES ? `${behind} committed entries are not applied yet` : null;
  },
  KEY_MISSING: (s) => listed('no key loaded for', unloaded(s)),
  STATE_BEHIND: (s) => listed('the watermark is being rebuilt for', rebuilding(s)),
  DISK_LOW: (s) => {
    const low = s.disks.filter((d) => d.freeBytes < d.minimumBytes);
    return low.length === 0
      ? null
      : low
          .map(
            (d) =>
              `${d.path}: ${mebibytes(d.freeBytes)} free, minimum ${mebibytes(d.minimumBytes)}`,
          )
          .join('; ');
  },
  DISK_SLOW: (s) =>
    s.log !== null && s.log.lastSyncMs > s.log.slowSyncMs
      ? `the last log sync took ${round(s.log.lastSyncMs)} ms, limit ${round(s.log.slowSyncMs)} ms`
      : null,
  WAL_FAILED: (s) => (s.log?.failed === true ? 'the log cannot be written' : null),
  REPLACED: (s) =>
    s.phase.kind === 'replaced' ? 'another replica was admitted in the place of this one' : null,
  DRAINING: (s) => (s.phase.kind === 'draining' ? 'this replica is stopping' : null),
};

const noteRules: Readonly<Record<NoteCode, Rule>> = {
  NO_FAULT_TOLERANCE: (s) => {
    // Without a quorum there is nothing left to tolerate, and the reason says it.
    if (s.consensus === null || noQuorum(s) !== null || faultTolerance(s.consensus) > 0)
      return null;
    const { voters, votersReachable } = s.consensus;
    return `${votersReachable} of ${voters} voters in contact: if one more stops, signing stops`;
  },
  CONFIG_DRIFT: (s) => {
    const drifting = (s.consensus?.members ?? []).filter((m) => m.configDrift.length > 0);
    return drifting.length === 0
      ? null
      : drifting.map((m) => `${m.id} differs in ${m.configDrift.join(', ')}`).join('; ');
  },
  MEMBERS_CHANGED: (s) => s.staleList,
  CERT_EXPIRES: (s, now) => {
    const ending = (['own', 'ca'] as const).flatMap((which) => {
      const notAfter = s.certificateNotAfter[which];
      if (notAfter === null || notAfter - now >= CERTIFICATE_WARNING_DAYS * DAY_MS) return [];
      const days = Math.floor((notAfter - now) / DAY_MS);
      const name = which === 'own' ? "this replica's certificate" : "the cluster's CA";
      return [days < 0 ? `${name} has expired` : `${name} ends in ${days} days`];
    });
    return ending.length === 0 ? null : ending.join('; ');
  },
  CHAIN_UNREGISTERED: (s) => {
    const waiting = s.chains.filter((c) => c.registration === 'unregistered');
    return waiting.length === 0
      ? null
      : waiting
          .map((c) => `${c.chainId}: ${c.waitingFor ?? 'not registered, so not signed'}`)
          .join('; ');
  },
  CHAIN_HALTED: (s) => {
    const halted = s.chains.filter((c) => c.haltHeight !== null);
    return halted.length === 0
      ? null
      : halted.map((c) => `${c.chainId} signs nothing from height ${c.haltHeight} on`).join('; ');
  },
  CHAIN_RETIRED: (s) =>
    listed(
      'never signed again:',
      s.chains.filter((c) => c.registration === 'retired').map((c) => c.chainId),
    ),
  VALIDATOR_DOWN: (s) => {
    const down = s.chains.flatMap((c) =>
      c.validators
        // `idle` is a link that another replica holds or may hold.
        .filter((v) => !['idle', 'connected', 'active'].includes(v.state))
        .map(
          (v) => `${v.address} (${c.chainId}) ${v.state}${v.lastError ? `: ${v.lastError}` : ''}`,
        ),
    );
    return down.length === 0 ? null : down.join('; ');
  },
  LATENCY_BUDGET: (s) => {
    const slow = s.chains.filter((c) => c.medianMs !== null && c.medianMs > s.latencyBudgetMs);
    return slow.length === 0
      ? null
      : slow
          .map(
            (c) =>
              `${c.chainId}: median ${round(c.medianMs ?? 0)} ms, budget ${s.latencyBudgetMs} ms`,
          )
          .join('; ');
  },
};

/** @param now  Unix milliseconds; for certificates only */
export function judgeReadiness(status: ReplicaStatus, now: number): Findings {
  return {
    reasons: apply(reasonCodes, reasonRules, status, now),
    notes: apply(noteCodes, noteRules, status, now),
  };
}

function apply<Code extends string>(
  codes: readonly Code[],
  rules: Readonly<Record<Code, Rule>>,
  status: ReplicaStatus,
  now: number,
): Finding<Code>[] {
  return codes.flatMap((code) => {
    const detail = rules[code](status, now);
    return detail === null ? [] : [{ code, detail }];
  });
}

function noQuorum(status: ReplicaStatus): string | null {
  const consensus = status.consensus;
  // While it starts or founds there is no membership to be in contact with.
  if (consensus === null || status.phase.kind === 'founding') return null;
  if (consensus.votersReachable >= Math.floor(consensus.voters / 2) + 1) return null;
  const away = consensus.members
    .filter((m) => m.voter && !m.reachable)
    .map((m) =>
      m.lastContactMs === null ? `${m.id} never seen` : `${m.id} ${ago(m.lastContactMs)}`,
    );
  const last = away.length === 0 ? '' : `; ${away.join(', ')}`;
  return `${consensus.votersReachable} of ${consensus.voters} voters in contact${last}`;
}

const unloaded = (s: ReplicaStatus): string[] =>
  s.chains.filter((c) => !c.keyLoaded).map((c) => c.chainId);
const rebuilding = (s: ReplicaStatus): string[] =>
  s.chains.filter((c) => c.watermark === 'rebuilding').map((c) => c.chainId);

function listed(says: string, items: readonly string[]): string | null {
  return items.length === 0 ? null : `${says} ${items.join(', ')}`;
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
const mebibytes = (bytes: number): string => `${Math.floor(bytes / 1048576)} MiB`;

function ago(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms ago`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s ago`;
  return ms < 7_200_000
    ? `${Math.round(ms / 60_000)} min ago`
    : `${Math.round(ms / 3_600_000)} h ago`;
}

/** A finding with the moment from which on it has held without a break. */
export type Since<F> = F & { readonly since: number };

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly Since<Finding<ReasonCode>>[];
  readonly notes: readonly Since<Finding<NoteCode>>[];
}

/**
 * Remembers since when each finding holds. It is as exact as it is asked often: the running replica asks
 * once a second, and each probe asks too.
 */
export class ReadinessWatch {
  #since = new Map<string, number>();

  judge(status: ReplicaStatus, now: number): Readiness {
    const { reasons, notes } = judgeReadiness(status, now);
    const held = new Map<string, number>();
    const stamp = <F extends Finding<string>>(finding: F): Since<F> => {
      const since = this.#since.get(finding.code) ?? now;
      held.set(finding.code, since);
      return { ...finding, since };
    };
    const result = {
      ready: reasons.length === 0,
      reasons: reasons.map(stamp),
      notes: notes.map(stamp),
    };
    this.#since = held;
    return result;
  }
}
