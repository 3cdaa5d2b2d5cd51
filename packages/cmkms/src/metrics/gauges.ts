/**
 * The gauges that are read from the replica's status when Prometheus asks.
 *
 * Owns    which fact is which gauge.
 * Never   counts: counters move when things happen (metrics.ts).
 * Proof   test/metrics-gauges.test.ts.
 */
import { type Readiness, reasonCodes } from '../http/readiness.js';
import {
  type ChainStatus,
  type ConsensusStatus,
  faultTolerance,
  keyLabel,
  linkStates,
  type ReplicaStatus,
} from '../status.js';
import type { Series } from './series.js';

/** @param now  Unix milliseconds */
export function setStatusGauges(
  series: Series,
  status: ReplicaStatus,
  readiness: Readiness,
  now: number,
): void {
  series.gauge('cmkms_ready', {}, readiness.ready ? 1 : 0);
  const held = new Set(readiness.reasons.map((reason) => reason.code));
  for (const code of reasonCodes)
    series.gauge('cmkms_ready_reason', { code }, flag(held.has(code)));
  for (const disk of status.disks) {
    series.gauge('cmkms_disk_free_bytes', { path: disk.path }, disk.freeBytes);
  }
  for (const cert of ['own', 'ca'] as const) {
    const notAfter = status.certificateNotAfter[cert] ?? 0;
    series.gauge('cmkms_tls_cert_expiry_timestamp_seconds', { cert }, notAfter / 1000);
  }
  series.gauge('cmkms_raft_log_bytes', {}, status.log?.bytes ?? 0);
  for (const chain of status.chains) setChain(series, chain);
  if (status.consensus !== null) setConsensus(series, status.consensus, now - status.startedAt);
}

function setChain(series: Series, chain: ChainStatus): void {
  const labels = { chain_id: chain.chainId, key: keyLabel(chain.keyAddress) };
  series.gauge('cmkms_floor_height', labels, Number(chain.floor?.height ?? 0n));
  series.gauge('cmkms_halt_height', labels, Number(chain.haltHeight ?? 0n));
  for (const validator of chain.validators) {
    for (const state of linkStates) {
      series.gauge(
        'cmkms_validator_link_state',
        { chain_id: chain.chainId, validator: validator.address, state },
        flag(validator.state === state),
      );
    }
  }
}

function setConsensus(series: Series, consensus: ConsensusStatus, uptimeMs: number): void {
  const leading = consensus.role === 'leader' && consensus.leaseMs !== null;
  series.gauge('cmkms_raft_is_leader', {}, flag(leading));
  series.gauge('cmkms_raft_has_leader', {}, flag(consensus.leader !== null));
  series.gauge('cmkms_raft_term', {}, consensus.term);
  series.gauge('cmkms_raft_commit_index', {}, consensus.commitIndex);
  series.gauge('cmkms_raft_applied_index', {}, consensus.appliedIndex);
  series.gauge('cmkms_rules_version', {}, consensus.rules);
  series.gauge('cmkms_raft_voters', {}, consensus.voters);
  series.gauge('cmkms_raft_voters_reachable', {}, consensus.votersReachable);
  series.gauge('cmkms_raft_fault_tolerance', {}, faultTolerance(consensus));
  for (const member of consensus.members) {
    if (member.self) continue;
    const labels = { peer: member.id };
    const contactMs = member.lastContactMs ?? uptimeMs;
    const lag = member.matchIndex === null ? 0 : consensus.commitIndex - member.matchIndex;
    series.gauge('cmkms_raft_peer_last_contact_seconds', labels, contactMs / 1000);
    series.gauge('cmkms_raft_peer_lag_entries', labels, Math.max(0, lag));
    series.gauge('cmkms_config_drift', labels, flag(member.configDrift.length > 0));
  }
}

function flag(holds: boolean): number {
  return holds ? 1 : 0;
}
