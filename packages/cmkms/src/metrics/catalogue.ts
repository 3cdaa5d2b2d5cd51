/**
 * Every metric of the program, as data: name, kind, labels, help, buckets.
 *
 * Owns    the names. docs/metrics.md is printed from here; alerts and dashboards may use nothing else.
 * Never   labels by a height, a hash or an error's text: the number of series is bounded by what is
 *         configured, and all of them exist as 0 from the start, so that `increase()` sees the first event.
 * Proof   test/metrics-catalogue.test.ts.
 */
import { reasonCodes } from '../http/readiness.js';
import { linkStates, signTypes } from '../status.js';

/** What may become of a sign request. */
export const outcomes = [
  'granted',
  'repeated',
  'retimed',
  'conflict',
  'regressed',
  'halted',
  'leap',
  'cutover',
  'retired',
  'unregistered',
  'not_leader',
  'no_quorum',
  'timeout',
  'invalid',
  'wrong_chain',
  'backend_error',
  'watermark',
] as const;
export type Outcome = (typeof outcomes)[number];

/**
 * `total` is from the request at the gate to the released signature. Before it lies `decode`, from the request's last
 * byte; after it `write`, until its answer is handed to the kernel.
 */
export const stages = [
  'decode',
  'queue',
  'commit',
  'watermark',
  'sign',
  'verify',
  'write',
  'total',
] as const;
export type StageLabel = (typeof stages)[number];

/** Each from the proposal on: what happens side by side is not added up. */
export const commitStages = ['propose', 'own_sync', 'follower_sync', 'apply'] as const;
export type CommitStageLabel = (typeof commitStages)[number];

export const dialOutcomes = [
  'ok',
  'refused',
  'timeout',
  'handshake',
  'not_privval',
  'parked',
] as const;
export type DialOutcome = (typeof dialOutcomes)[number];

export const badFrameReasons = [
  'oversized',
  'malformed',
  'unexpected',
  'authentication',
  'other',
] as const;
export type BadFrameReason = (typeof badFrameReasons)[number];

export const electionResults = ['won', 'lost', 'prevote_denied'] as const;
export type ElectionResult = (typeof electionResults)[number];

export const stateCheckResults = ['equal', 'differs', 'unchecked'] as const;
export type StateCheckResult = (typeof stateCheckResults)[number];

export const secondGateReasons = ['regressed', 'other_content'] as const;
export type SecondGateReason = (typeof secondGateReasons)[number];

/**
 * A group of labels whose values belong together. `chain`: chain_id, key. `link`: chain_id, validator.
 * `peer`: the other members. `build`, `chainInfo`: one series per build, per chain.
 */
export type Axis =
  | 'chain'
  | 'link'
  | 'peer'
  | 'build'
  | 'chainInfo'
  | { readonly label: string; readonly values: readonly string[] };

export const axisLabels = {
  chain: ['chain_id', 'key'],
  link: ['chain_id', 'validator'],
  peer: ['peer'],
  build: ['version', 'commit', 'node_version'],
  chainInfo: ['chain_id', 'key', 'address', 'key_type'],
} as const satisfies Record<Extract<Axis, string>, readonly string[]>;

interface Row {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly axes: readonly Axis[];
  readonly buckets?: readonly number[];
}

const type: Axis = { label: 'type', values: signTypes };

/** Fine where a good quorum answers; beyond one second the request is given up. */
const signBuckets = [
  0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.0007, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015,
  0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];
/** A good SSD syncs in a tenth of a millisecond, and a log on a full disk in a second. */
const syncBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
];
/** From one machine to across an ocean. */
const roundTripBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
];
/** The heartbeat is 25 ms, the election timeout 120 ms: what lies between matters. */
const lagBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.25, 0.5, 1];

export const metricCatalogue = {
  cmkms_build_info: { kind: 'gauge', axes: ['build'], help: 'Build information; always 1.' },
  cmkms_chain_info: {
    kind: 'gauge',
    axes: ['chainInfo'],
    help: 'Configured chains and keys; always 1.',
  },
  cmkms_sign_requests_total: {
    kind: 'counter',
    axes: ['chain', type, { label: 'outcome', values: outcomes }],
    help: 'Sign requests by outcome, counted by the replica that holds the validator link.',
  },
  cmkms_nil_votes_total: {
    kind: 'counter',
    axes: ['chain', { label: 'type', values: ['prevote', 'precommit'] }],
    help: 'Votes for nil that were released: the node timed out, the signer is fine.',
  },
  cmkms_sign_duration_seconds: {
    kind: 'histogram',
    axes: ['chain', type, { label: 'stage', values: stages }],
    help: 'Time of one released signature by stage; total is from the request at the gate to the signature, decode before it, write after it.',
    buckets: signBuckets,
  },
  cmkms_last_reserved_height: {
    kind: 'gauge',
    axes: ['chain', type],
    help: 'Height of the last reservation in the replicated state, on every replica.',
  },
  cmkms_last_reserved_round: {
    kind: 'gauge',
    axes: ['chain', type],
    help: 'Round of the last reservation in the replicated state, on every replica.',
  },
  cmkms_last_released_timestamp_seconds: {
    kind: 'gauge',
    axes: ['chain', type],
    help: 'Unix time of the last signature that this replica released; 0 before the first.',
  },
  cmkms_missed_heights_total: {
    kind: 'counter',
    axes: ['chain', { label: 'type', values: ['prevote', 'precommit'] }],
    help: 'Heights between two reservations of this type that had none, counted by the replica that released the later one.',
  },
  cmkms_floor_height: {
    kind: 'gauge',
    axes: ['chain'],
    help: 'At or below this height nothing new is signed; 0 is no floor.',
  },
  cmkms_halt_height: {
    kind: 'gauge',
    axes: ['chain'],
    help: 'From this height on nothing is signed; 0 is no halt.',
  },
  cmkms_pubkey_requests_total: {
    kind: 'counter',
    axes: ['link'],
    help: 'Public-key requests answered; a rise is a node that restarts.',
  },
  cmkms_validator_link_state: {
    kind: 'gauge',
    axes: ['link', { label: 'state', values: linkStates }],
    help: '1 for the current state of the link of this replica.',
  },
  cmkms_validator_dials_total: {
    kind: 'counter',
    axes: ['link', { label: 'outcome', values: dialOutcomes }],
    help: 'Attempts to reach a validator by outcome.',
  },
  cmkms_validator_last_request_timestamp_seconds: {
    kind: 'gauge',
    axes: ['link'],
    help: 'Unix time of the last message of any kind from the validator; 0 before the first.',
  },
  cmkms_validator_bad_frames_total: {
    kind: 'counter',
    axes: ['link', { label: 'reason', values: badFrameReasons }],
    help: 'Frames that closed a validator link.',
  },
  cmkms_raft_is_leader: {
    kind: 'gauge',
    axes: [],
    help: '1 while this replica leads with a lease.',
  },
  cmkms_raft_has_leader: { kind: 'gauge', axes: [], help: '1 while a leader is known.' },
  cmkms_raft_term: { kind: 'gauge', axes: [], help: 'The term of this replica.' },
  cmkms_raft_commit_index: { kind: 'gauge', axes: [], help: 'The commit index of this replica.' },
  cmkms_raft_applied_index: { kind: 'gauge', axes: [], help: 'The last applied index.' },
  cmkms_raft_log_bytes: { kind: 'gauge', axes: [], help: 'Bytes of the log on disk.' },
  cmkms_raft_voters: { kind: 'gauge', axes: [], help: 'Voters of the cluster.' },
  cmkms_raft_voters_reachable: {
    kind: 'gauge',
    axes: [],
    help: 'Voters in contact with this replica, itself included.',
  },
  cmkms_raft_fault_tolerance: {
    kind: 'gauge',
    axes: [],
    help: 'How many more voters may fail now before nothing is signed.',
  },
  cmkms_raft_elections_total: {
    kind: 'counter',
    axes: [{ label: 'result', values: electionResults }],
    help: 'Elections that this replica stood for, by result.',
  },
  cmkms_rules_version: {
    kind: 'gauge',
    axes: [],
    help: 'The version of the rules by which this replica applies the log; 0 before there is one.',
  },
  cmkms_state_checks_total: {
    kind: 'counter',
    axes: [{ label: 'result', values: stateCheckResults }],
    help: 'Comparisons of the replicated state with the leader’s; differs ends the process, unchecked had nothing to compare.',
  },
  cmkms_raft_leader_changes_total: { kind: 'counter', axes: [], help: 'Changes of leader seen.' },
  cmkms_raft_commit_duration_seconds: {
    kind: 'histogram',
    axes: [{ label: 'stage', values: commitStages }],
    help: 'From a proposal at its leader: said to all; on its own disk; on the first follower’s; applied.',
    buckets: roundTripBuckets,
  },
  cmkms_raft_peer_rtt_seconds: {
    kind: 'histogram',
    axes: ['peer'],
    help: 'Round trip of an append, its sync at the peer included.',
    buckets: roundTripBuckets,
  },
  cmkms_raft_peer_last_contact_seconds: {
    kind: 'gauge',
    axes: ['peer'],
    help: 'Age of the last message from the peer; before the first, the age of this process.',
  },
  cmkms_raft_peer_lag_entries: {
    kind: 'gauge',
    axes: ['peer'],
    help: 'Commit index minus match index, at the leader; 0 elsewhere.',
  },
  cmkms_wal_sync_duration_seconds: {
    kind: 'histogram',
    axes: [],
    help: 'One sync of the log.',
    buckets: syncBuckets,
  },
  cmkms_watermark_sync_duration_seconds: {
    kind: 'histogram',
    axes: [],
    help: 'One sync of a watermark file.',
    buckets: syncBuckets,
  },
  cmkms_disk_free_bytes: {
    kind: 'gauge',
    axes: [{ label: 'path', values: ['data', 'priv'] }],
    help: 'Free space where the directory lies.',
  },
  cmkms_double_sign_attempts_total: {
    kind: 'counter',
    axes: ['chain', type],
    help: 'Requests refused as conflict. Nothing was double signed; two nodes disagree, and the reason must be found.',
  },
  cmkms_second_gate_refusals_total: {
    kind: 'counter',
    axes: ['chain', { label: 'reason', values: secondGateReasons }],
    help: 'Consensus allowed, the watermark refused. regressed must stay 0; other_content can follow a reservation of this replica that never committed.',
  },
  cmkms_self_verify_failures_total: {
    kind: 'counter',
    axes: ['chain'],
    help: 'Signatures that did not verify and were not released.',
  },
  cmkms_config_drift: {
    kind: 'gauge',
    axes: ['peer'],
    help: '1 while the peer runs with other settings than this replica.',
  },
  cmkms_tls_cert_expiry_timestamp_seconds: {
    kind: 'gauge',
    axes: [{ label: 'cert', values: ['own', 'ca'] }],
    help: 'Unix time at which the certificate ends; 0 without TLS.',
  },
  cmkms_ready: { kind: 'gauge', axes: [], help: 'The same as /readyz.' },
  cmkms_ready_reason: {
    kind: 'gauge',
    axes: [{ label: 'code', values: reasonCodes }],
    help: '1 for each reason that holds now.',
  },
  cmkms_event_loop_lag_seconds: {
    kind: 'histogram',
    axes: [],
    help: 'How late a timer of 50 ms ran.',
    buckets: lagBuckets,
  },
  cmkms_log_lines_dropped_total: {
    kind: 'counter',
    axes: [],
    help: 'Log lines that standard output did not take in time, or that came too often.',
  },
  cmkms_journal_entries_dropped_total: {
    kind: 'counter',
    axes: [],
    help: 'Journal entries that were lost. Only history is affected.',
  },
} as const satisfies Record<string, Row>;

export type MetricName = keyof typeof metricCatalogue;
export type NameOf<Kind extends Row['kind']> = {
  [N in MetricName]: (typeof metricCatalogue)[N]['kind'] extends Kind ? N : never;
}[MetricName];

export function metricRow(name: MetricName): Row {
  return metricCatalogue[name];
}

export function metricNames(): readonly MetricName[] {
  return Object.keys(metricCatalogue) as MetricName[];
}

/** The label names of a metric, in the order of its axes. */
export function labelsOf(row: Row): string[] {
  return row.axes.flatMap((axis) => (typeof axis === 'string' ? axisLabels[axis] : [axis.label]));
}

/** What a replica is configured with: the values that the axes take. */
export interface MetricsWorld {
  readonly build: { readonly version: string; readonly commit: string };
  readonly chains: readonly {
    readonly chainId: string;
    readonly keyAddress: string;
    readonly keyType: string;
    readonly validators: readonly string[];
  }[];
  /** Names of the other members. */
  readonly peers: readonly string[];
}
