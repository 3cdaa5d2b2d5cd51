/**
 * The configuration, as data: every key, its kind, default, flag, variable and description.
 *
 * Owns    what may be written in config.toml. Parsing, the refusal of unknown keys, the flags of
 *         the commands, the scaffold of `init` and the reference page are all made from it.
 * Never   holds logic: rules between keys are in settings.ts and clashes.ts.
 */
import type { Kind } from './values.js';

export interface KeySpec {
  readonly kind: Kind;
  /** As it would be written in the file; absent where there is none. */
  readonly default?: string;
  /** What stands in the scaffold where a default would mislead. */
  readonly example?: string;
  readonly flag?: string;
  /** What `--help` calls the flag's value. */
  readonly value?: string;
  readonly env?: string;
  readonly choices?: readonly string[];
  /** Bounds, written as the value itself is. */
  readonly atLeast?: string;
  readonly atMost?: string;
  readonly doc: readonly string[];
}

export const topLevelKeys = {
  id: {
    kind: 'text',
    example: '"kms-a"',
    flag: '--id',
    value: 'name',
    env: 'COMETKMS_ID',
    doc: [
      'Name of this replica: one of the ids in `peer`. Default: the name in tls/replica.crt, so',
      'this file may be the same on every replica.',
    ],
  },
  raft_addr: {
    kind: 'text',
    example: '"0.0.0.0:9430"',
    flag: '--raft-addr',
    value: 'host:port',
    env: 'COMETKMS_RAFT_ADDR',
    doc: [
      'Where to LISTEN for the other replicas. They DIAL the address that `peer` gives for this',
      'id; behind NAT or in containers the two differ. Default: the own address in `peer`.',
    ],
  },
  http_addr: {
    kind: 'text',
    default: '"127.0.0.1:8080"',
    flag: '--http-addr',
    value: 'host:port',
    env: 'COMETKMS_HTTP_ADDR',
    doc: [
      'Read-only HTTP: /livez /readyz /healthz /status /metrics. Nothing can be changed there;',
      'still, do not publish it. ":8080" is every interface, "" switches HTTP off.',
    ],
  },
  peer: {
    kind: 'texts',
    example: '["kms-a=10.0.0.10:9430", "kms-b=10.0.0.11:9430", "kms-c=10.0.0.12:9430"]',
    flag: '--peer',
    value: 'id=host:port',
    env: 'COMETKMS_PEER',
    doc: [
      'Every replica, this one included: "id=host:port". Order does not matter. 3 tolerate the',
      'loss of 1, 5 of 2; 2 tolerate none. Read when the cluster is founded; then members change',
      'by `cmkms cluster add`, `remove` and `replace`, and this list follows. Addresses may be edited.',
    ],
  },
  solo: {
    kind: 'truth',
    default: 'false',
    flag: '--solo',
    doc: [
      'One replica alone, no fail-over. It must be said: an empty `peer` list is what a forgotten',
      'edit looks like, and two such homes with one key are two signers.',
    ],
  },
  log_level: {
    kind: 'text',
    default: '"info"',
    flag: '--log-level',
    value: 'level',
    env: 'COMETKMS_LOG_LEVEL',
    choices: ['debug', 'info', 'warn', 'error'],
    doc: ['debug, info, warn or error.'],
  },
  log_format: {
    kind: 'text',
    default: '"plain"',
    flag: '--log-format',
    value: 'format',
    env: 'COMETKMS_LOG_FORMAT',
    choices: ['plain', 'json'],
    doc: ['plain or json.'],
  },
  chain_id: {
    kind: 'text',
    example: '"cosmoshub-4"',
    flag: '--chain-id',
    value: 'chain',
    env: 'COMETKMS_CHAIN_ID',
    doc: [
      'One chain, short form: instead of [[chain]], never beside it.',
      'Its key is priv/priv_validator_key.json, its state priv/priv_validator_state.json.',
    ],
  },
  validator_addr: {
    kind: 'textOrTexts',
    example: '["tcp://10.0.1.20:26659"]',
    flag: '--validator-addr',
    value: 'address',
    env: 'COMETKMS_VALIDATOR_ADDR',
    doc: [
      'Where the nodes of `chain_id` listen for their signer: their priv_validator_laddr, as',
      'tcp://host:port or unix:///path. One string, or a list.',
    ],
  },
  allow_unsafe: {
    kind: 'truth',
    default: 'false',
    env: 'COMETKMS_ALLOW_UNSAFE',
    doc: ['Accepted as false from files of the Go CometKMS. There is no unsafe endpoint here.'],
  },
} as const satisfies Readonly<Record<string, KeySpec>>;

export const tlsKeys = {
  ca: { kind: 'text', default: '"tls/ca.crt"', doc: ['Authority of the cluster.'] },
  cert: {
    kind: 'text',
    default: '"tls/replica.crt"',
    doc: ['Names the cluster and this replica, no address.'],
  },
  key: { kind: 'text', default: '"tls/replica.key"', doc: ['Its private key, mode 0600.'] },
} as const satisfies Readonly<Record<string, KeySpec>>;

export const raftKeys = {
  profile: {
    kind: 'text',
    default: '"lan"',
    choices: ['lan', 'wan'],
    doc: ['Sets the next three: lan 25ms, 120ms, 100ms; wan 100ms, 1s, 800ms.'],
  },
  heartbeat_interval: {
    kind: 'duration',
    example: '"25ms"',
    atLeast: '1ms',
    atMost: '10s',
    doc: ['How often the leader is heard of. The same on all replicas.'],
  },
  election_timeout: {
    kind: 'duration',
    example: '"120ms"',
    atLeast: '10ms',
    atMost: '60s',
    doc: [
      'Silence after which another replica stands for election. At least 4 heartbeats; the same',
      'on all replicas.',
    ],
  },
  lease: {
    kind: 'duration',
    example: '"100ms"',
    atLeast: '5ms',
    atMost: '60s',
    doc: ['How long a leader may serve after a quorum confirmed it. Below election_timeout.'],
  },
  snapshot_entries: {
    kind: 'count',
    // A snapshot is a few hundred bytes for each chain. What is kept beyond it is read again at each start, and held
    // in memory until then.
    default: '1000',
    atLeast: '100',
    atMost: '10000000',
    doc: ['Log entries between two snapshots: what a start applies again, and memory holds.'],
  },
  min_free_disk: {
    kind: 'size',
    default: '"256MiB"',
    // The log lives in up to three segments, of 4 MiB and more where the state is large: with less kept for it, the
    // journal could take what its next segment needs, and then this replica would end and could not start again.
    atLeast: '64MiB',
    doc: [
      'Below this: a warning, not ready, and the journal is not written; at half of it leadership is',
      'handed over.',
    ],
  },
} as const satisfies Readonly<Record<string, KeySpec>>;

export const signingKeys = {
  deadline: {
    kind: 'duration',
    default: '"1s"',
    atLeast: '50ms',
    atMost: '4s',
    doc: [
      'Per request, commit included; then the link is reset and the node asks again. The node',
      'itself gives up after 5 s.',
    ],
  },
  latency_budget: {
    kind: 'duration',
    default: '"10ms"',
    atLeast: '1ms',
    atMost: '4s',
    doc: ['A median of the last 100 signatures above it is a warning.'],
  },
} as const satisfies Readonly<Record<string, KeySpec>>;

export const privvalKeys = {
  dial_timeout: {
    kind: 'duration',
    default: '"3s"',
    atLeast: '10ms',
    atMost: '60s',
    doc: ['One attempt to reach a validator.'],
  },
  redial_interval: {
    kind: 'duration',
    default: '"500ms"',
    atLeast: '10ms',
    atMost: '1s',
    doc: ['Between two attempts: a starting node waits 3 s for its signer, then exits.'],
  },
  handshake_timeout: {
    kind: 'duration',
    default: '"10s"',
    atLeast: '100ms',
    atMost: '60s',
    doc: ['For the secret connection over tcp.'],
  },
  idle_timeout: {
    kind: 'duration',
    default: '"7s"',
    atLeast: '4s',
    atMost: '10m',
    doc: ['Silence after which a link is given up; the node pings every 3.3 s.'],
  },
  max_message_size: {
    kind: 'size',
    default: '"2MiB"',
    atLeast: '64KiB',
    atMost: '64MiB',
    doc: ['The largest request taken (vote extensions may have 1 MiB).'],
  },
} as const satisfies Readonly<Record<string, KeySpec>>;

/** Of each [[chain]]: one table per (chain id, key). */
export const chainKeys = {
  id: { kind: 'text', example: '"cosmoshub-4"', doc: ['The chain id.'] },
  validators: {
    kind: 'textOrTexts',
    example: '["tcp://10.0.1.20:26659"]',
    doc: ['priv_validator_laddr of its nodes; the same on every replica.'],
  },
  key: {
    kind: 'text',
    example: '"priv/cosmoshub-4/priv_validator_key.json"',
    doc: ['Mode 0600. Default: priv/<id>/priv_validator_key.json.'],
  },
  state: {
    kind: 'text',
    example: '"priv/cosmoshub-4/priv_validator_state.json"',
    doc: ['Default: priv_validator_state.json beside the key.'],
  },
  address: {
    kind: 'text',
    example: '"5B9F..."',
    doc: ['Optional: the address of the key (40 hex digits); another key is refused.'],
  },
} as const satisfies Readonly<Record<string, KeySpec>>;

/** Tables that may stand in the file once, in the order of the scaffold. */
export const tables = {
  tls: { title: 'links between replicas', keys: tlsKeys },
  raft: { title: 'consensus between replicas', keys: raftKeys },
  signing: { title: 'signing', keys: signingKeys },
  privval: { title: 'links to validators', keys: privvalKeys },
} as const satisfies Readonly<
  Record<string, { title: string; keys: Readonly<Record<string, KeySpec>> }>
>;

/** Heartbeat, election timeout and lease of each `raft.profile`. */
export const raftProfiles = {
  lan: { heartbeat_interval: '25ms', election_timeout: '120ms', lease: '100ms' },
  wan: { heartbeat_interval: '100ms', election_timeout: '1s', lease: '800ms' },
} as const;
