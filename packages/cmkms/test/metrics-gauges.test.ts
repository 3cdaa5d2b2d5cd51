/**
 * The gauges that are read from a status.
 *
 * Owns    each gauge once: a leader's view, and what is left when everything is gone.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Metrics } from '../src/metrics/index.js';
import type { ReplicaStatus } from '../src/status.js';
import {
  alone,
  consensus,
  healthy,
  hub,
  judged,
  member,
  now,
  withConsensus,
  world,
} from './example-status.js';
import { parseSamples, type Samples } from './exposition.js';

async function read(t: TestContext, ...statuses: ReplicaStatus[]): Promise<Samples> {
  const metrics = new Metrics(world, { processMetrics: false });
  t.after(() => metrics.stop());
  let text = '';
  for (const status of statuses) text = await metrics.text(status, judged(status), now);
  return parseSamples(text);
}

test('a healthy leader', async (t) => {
  const samples = await read(t, healthy);
  const expected: Record<string, number> = {
    cmkms_ready: 1,
    cmkms_raft_is_leader: 1,
    cmkms_raft_has_leader: 1,
    cmkms_raft_term: 7,
    cmkms_raft_commit_index: 81_234,
    cmkms_raft_applied_index: 81_234,
    cmkms_raft_log_bytes: 65_536,
    cmkms_raft_voters: 3,
    cmkms_raft_voters_reachable: 3,
    cmkms_raft_fault_tolerance: 1,
    'cmkms_raft_peer_last_contact_seconds{peer="kms-b"}': 0.012,
    'cmkms_raft_peer_lag_entries{peer="kms-b"}': 0,
    'cmkms_raft_peer_lag_entries{peer="kms-c"}': 4,
    'cmkms_config_drift{peer="kms-b"}': 0,
    'cmkms_disk_free_bytes{path="data"}': 2 ** 34,
    'cmkms_tls_cert_expiry_timestamp_seconds{cert="own"}': now / 1000 + 3650 * 86_400,
    'cmkms_floor_height{chain_id="cosmoshub-4",key="5B9F6C0D"}': 21_000_000,
    'cmkms_halt_height{chain_id="cosmoshub-4",key="5B9F6C0D"}': 0,
    'cmkms_validator_link_state{chain_id="cosmoshub-4",state="active",validator="tcp://10.0.1.20:26659"}': 1,
    'cmkms_validator_link_state{chain_id="cosmoshub-4",state="parked",validator="tcp://10.0.1.20:26659"}': 0,
    'cmkms_build_info{commit="abc1234",node_version="NODE",version="0.1.0"}': 1,
    'cmkms_chain_info{address="5B9F6C0D2E4A1B3C5D7E9F00112233445566AABB",chain_id="cosmoshub-4",key="5B9F6C0D",key_type="ed25519"}': 1,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(samples.get(name.replace('NODE', process.version)), value, name);
  }
});

test('what no longer holds goes back to 0', async (t) => {
  const drifting = withConsensus({
    members: [
      ...consensus.members.filter(({ id }) => id !== 'kms-b'),
      member('kms-b', { configDrift: ['chains'] }),
    ],
  });
  const halted = { ...drifting, chains: [{ ...hub, haltHeight: 9n }] };
  const before = await read(t, halted);
  const after = await read(t, halted, alone);
  const rows: readonly (readonly [string, number, number])[] = [
    ['cmkms_raft_is_leader', 1, 0],
    ['cmkms_raft_has_leader', 1, 0],
    ['cmkms_raft_fault_tolerance', 1, 0],
    ['cmkms_ready', 1, 0],
    ['cmkms_ready_reason{code="NO_QUORUM"}', 0, 1],
    ['cmkms_config_drift{peer="kms-b"}', 1, 0],
    ['cmkms_halt_height{chain_id="cosmoshub-4",key="5B9F6C0D"}', 9, 0],
    // Never seen: as old as the process, so that an alert on the age fires.
    ['cmkms_raft_peer_last_contact_seconds{peer="kms-c"}', 0.012, 5 * 3600],
  ];
  for (const [name, was, is] of rows) {
    assert.deepEqual([before.get(name), after.get(name)], [was, is], name);
  }
});

test('a replica that only starts has gauges too', async (t) => {
  const samples = await read(t, {
    ...healthy,
    phase: { kind: 'starting' },
    consensus: null,
    log: null,
    chains: [],
  });
  assert.equal(samples.get('cmkms_ready_reason{code="STARTING"}'), 1);
  assert.equal(samples.get('cmkms_raft_term'), 0);
});
