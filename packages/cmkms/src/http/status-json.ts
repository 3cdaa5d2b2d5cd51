/**
 * The body of /status: the keys of the Go program first, then ours.
 *
 * Owns    names and shapes in JSON. Heights in our keys are strings, since a JSON number loses an int64.
 * Never   prints a signature, though the Go program's structure has one.
 * Rule    is_leader, leader_id, leader_addr and last_sign_state stand at the top level, the last one only
 *         where there is exactly one chain: dashboards of the Go program read these four.
 * Proof   test/http-status.test.ts.
 */
import {
  type ChainStatus,
  faultTolerance,
  type MemberStatus,
  type ReplicaStatus,
  type StatusPosition,
  type ValidatorStatus,
} from '../status.js';
import type { Finding, NoteCode, Readiness, ReasonCode, Since } from './readiness.js';

export interface PositionJson {
  readonly height: string;
  readonly round: number;
  readonly step: number;
}

export interface FindingJson {
  readonly code: ReasonCode | NoteCode;
  readonly detail: string;
  readonly since: string;
}

export interface ValidatorJson {
  readonly addr: string;
  readonly state: string;
  readonly since: string;
  readonly last_request_at: string | null;
  readonly last_error: string | null;
}

export interface ChainJson {
  readonly chain_id: string;
  readonly key_address: string;
  readonly key_type: string;
  readonly key_loaded: boolean;
  readonly registration: ChainStatus['registration'];
  readonly waiting_for: string | null;
  readonly last_sign_state: PositionJson | null;
  readonly last_released_at: string | null;
  readonly floor: PositionJson | null;
  readonly halt_height: string | null;
  readonly median_ms: number | null;
  readonly validators: readonly ValidatorJson[];
}

export interface MemberJson {
  readonly id: string;
  readonly identity: string;
  readonly addr: string;
  readonly self: boolean;
  readonly voter: boolean;
  readonly witness: boolean;
  readonly role: MemberStatus['role'];
  readonly reachable: boolean;
  readonly match_index: string | null;
  readonly rtt_ms: number | null;
  readonly last_contact_ms: number | null;
  readonly version: string | null;
  readonly rules: { readonly oldest: number; readonly newest: number } | null;
  readonly tls_cert_not_after: string | null;
}

export interface StatusJson {
  readonly is_leader: boolean;
  readonly leader_id: string;
  readonly leader_addr: string;
  readonly last_sign_state?: {
    readonly height: number;
    readonly round: number;
    readonly step: number;
    readonly signbytes: string;
  };
  readonly id: string;
  readonly version: string;
  readonly cluster_id: string | null;
  readonly phase: ReplicaStatus['phase']['kind'];
  readonly role: string;
  readonly witness: boolean;
  readonly started_at: string;
  readonly ready: boolean;
  readonly reasons: readonly FindingJson[];
  readonly notes: readonly FindingJson[];
  readonly term: number | null;
  readonly commit_index: string | null;
  readonly applied_index: string | null;
  readonly rules_version: number | null;
  readonly lease_ms: number | null;
  readonly voters: number | null;
  readonly voters_reachable: number | null;
  readonly fault_tolerance: number | null;
  /** Every member, this replica included. */
  readonly replicas: readonly MemberJson[];
  readonly chains: readonly ChainJson[];
  readonly config_drift: readonly { readonly peer: string; readonly items: readonly string[] }[];
  readonly tls_cert_not_after: string | null;
  readonly tls_ca_not_after: string | null;
}

export function statusJson(status: ReplicaStatus, readiness: Readiness): StatusJson {
  const consensus = status.consensus;
  const leading = consensus?.role === 'leader' && consensus.leaseMs !== null;
  return {
    is_leader: leading,
    leader_id: consensus?.leader?.id ?? '',
    leader_addr: consensus?.leader?.address ?? '',
    ...goSignState(status),
    id: status.id,
    version: status.version,
    cluster_id: status.clusterId,
    phase: status.phase.kind,
    role: consensus?.role ?? 'none',
    witness: status.witness,
    started_at: moment(status.startedAt),
    ...readinessJson(readiness),
    term: consensus?.term ?? null,
    commit_index: index(consensus?.commitIndex),
    applied_index: index(consensus?.appliedIndex),
    rules_version: consensus?.rules ?? null,
    lease_ms: rounded(consensus?.leaseMs ?? null),
    voters: consensus?.voters ?? null,
    voters_reachable: consensus?.votersReachable ?? null,
    fault_tolerance: consensus === null ? null : faultTolerance(consensus),
    replicas: (consensus?.members ?? []).map(memberJson),
    chains: status.chains.map(chainJson),
    config_drift: (consensus?.members ?? [])
      .filter((member) => member.configDrift.length > 0)
      .map((member) => ({ peer: member.id, items: member.configDrift })),
    tls_cert_not_after: optionalMoment(status.certificateNotAfter.own),
    tls_ca_not_after: optionalMoment(status.certificateNotAfter.ca),
  };
}

/** The body of /readyz, and a part of /status. */
export function readinessJson(readiness: Readiness): {
  readonly ready: boolean;
  readonly reasons: readonly FindingJson[];
  readonly notes: readonly FindingJson[];
} {
  return {
    ready: readiness.ready,
    reasons: readiness.reasons.map(findingJson),
    notes: readiness.notes.map(findingJson),
  };
}

function findingJson(finding: Since<Finding<ReasonCode | NoteCode>>): FindingJson {
  return { code: finding.code, detail: finding.detail, since: moment(finding.since) };
}

function goSignState(status: ReplicaStatus): Pick<StatusJson, 'last_sign_state'> {
  const [only, second] = status.chains;
  if (only === undefined || second !== undefined || only.last === null) return {};
  const { height, round, step, signBytes } = only.last;
  const signbytes = Buffer.from(signBytes).toString('hex').toUpperCase();
  // A number, as the Go program prints it; exact below 2^53, and no chain is anywhere near.
  return { last_sign_state: { height: Number(height), round, step, signbytes } };
}

function memberJson(member: MemberStatus): MemberJson {
  return {
    id: member.id,
    identity: member.identity,
    addr: member.address,
    self: member.self,
    voter: member.voter,
    witness: member.witness,
    role: member.role,
    reachable: member.reachable,
    match_index: index(member.matchIndex),
    rtt_ms: rounded(member.rttMs),
    last_contact_ms: rounded(member.lastContactMs),
    version: member.version,
    rules: member.rules,
    tls_cert_not_after: optionalMoment(member.certificateNotAfter),
  };
}

function chainJson(chain: ChainStatus): ChainJson {
  return {
    chain_id: chain.chainId,
    key_address: chain.keyAddress,
    key_type: chain.keyType,
    key_loaded: chain.keyLoaded,
    registration: chain.registration,
    waiting_for: chain.waitingFor,
    last_sign_state: positionJson(chain.last),
    last_released_at: optionalMoment(chain.lastReleasedAt),
    floor: positionJson(chain.floor),
    halt_height: chain.haltHeight?.toString() ?? null,
    median_ms: rounded(chain.medianMs),
    validators: chain.validators.map(validatorJson),
  };
}

function validatorJson(validator: ValidatorStatus): ValidatorJson {
  return {
    addr: validator.address,
    state: validator.state,
    since: moment(validator.since),
    last_request_at: optionalMoment(validator.lastRequestAt),
    last_error: validator.lastError,
  };
}

function positionJson(position: StatusPosition | null): PositionJson | null {
  if (position === null) return null;
  return { height: position.height.toString(), round: position.round, step: position.step };
}

function moment(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

function optionalMoment(unixMs: number | null): string | null {
  return unixMs === null ? null : moment(unixMs);
}

function index(value: number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}
