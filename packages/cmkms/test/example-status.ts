/**
 * A cluster of three replicas with two chains, as kms-a (the leader) sees it: the example of many tests.
 *
 * Owns    these facts. A test changes what it is about, and nothing else.
 */
import type { Readiness } from '../src/http/index.js';
import { ReadinessWatch } from '../src/http/index.js';
import type { MetricsWorld } from '../src/metrics/index.js';
import type {
  ChainStatus,
  ConsensusStatus,
  MemberStatus,
  ReplicaStatus,
  ValidatorStatus,
} from '../src/status.js';

export const now = Date.UTC(2026, 0, 2, 12, 0, 0);
const second = 1_000;
const hour = 3_600_000;

export const hubKey = '5B9F6C0D2E4A1B3C5D7E9F00112233445566AABB';
export const osmosisKey = '77C0112233445566778899AABBCCDDEEFF001122';

export function validator(address: string, facts: Partial<ValidatorStatus> = {}): ValidatorStatus {
  return {
    address,
    state: 'active',
    since: now - 3 * hour,
    lastRequestAt: now - second,
    lastError: null,
    ...facts,
  };
}

export const hub: ChainStatus = {
  chainId: 'cosmoshub-4',
  keyAddress: hubKey,
  keyType: 'ed25519',
  keyLoaded: true,
  watermark: 'ready',
  registration: 'registered',
  waitingFor: null,
  last: { height: 21_345_678n, round: 0, step: 3, signBytes: new Uint8Array([0x7c, 0x08]) },
  lastReleasedAt: now - second,
  floor: { height: 21_000_000n, round: 0, step: 3 },
  haltHeight: null,
  medianMs: 3.1,
  validators: [validator('tcp://10.0.1.20:26659'), validator('tcp://10.0.2.20:26659')],
};

export const osmosis: ChainStatus = {
  ...hub,
  chainId: 'osmosis-1',
  keyAddress: osmosisKey,
  last: { height: 9_223_372_036_854_775_807n, round: 2, step: 1, signBytes: new Uint8Array([1]) },
  floor: null,
  validators: [validator('tcp://10.0.1.21:26659'), validator('unix:///run/osmosis/privval.sock')],
};

export function member(id: string, facts: Partial<MemberStatus> = {}): MemberStatus {
  return {
    id,
    identity: id.padEnd(64, '0'),
    address: `10.0.0.1${id.charCodeAt(4) - 97}:9430`,
    self: false,
    voter: true,
    witness: false,
    role: 'follower',
    reachable: true,
    matchIndex: 81_234,
    rttMs: 0.4,
    lastContactMs: 12,
    version: '0.1.0',
    rules: { oldest: 1, newest: 1 },
    certificateNotAfter: now + 3650 * 24 * hour,
    configDrift: [],
    ...facts,
  };
}

export const consensus: ConsensusStatus = {
  role: 'leader',
  term: 7,
  leader: { id: 'kms-a', address: '10.0.0.10:9430' },
  leaseMs: 88,
  commitIndex: 81_234,
  appliedIndex: 81_234,
  rules: 1,
  voters: 3,
  votersReachable: 3,
  members: [
    member('kms-a', { self: true, role: 'leader', rttMs: null, lastContactMs: null }),
    member('kms-b'),
    member('kms-c', { matchIndex: 81_230 }),
  ],
};

export const healthy: ReplicaStatus = {
  id: 'kms-a',
  version: '0.1.0',
  clusterId: 'c-7f3a',
  startedAt: now - 5 * hour,
  witness: false,
  phase: { kind: 'running' },
  consensus,
  log: { bytes: 65_536, failed: false, lastSyncMs: 0.8, slowSyncMs: 120 },
  chains: [hub, osmosis],
  disks: [
    { path: 'data', freeBytes: 2 ** 34, minimumBytes: 2 ** 28 },
    { path: 'priv', freeBytes: 2 ** 34, minimumBytes: 2 ** 28 },
  ],
  certificateNotAfter: { own: now + 3650 * 24 * hour, ca: now + 7300 * 24 * hour },
  latencyBudgetMs: 10,
  staleList: null,
};

/** With a changed consensus. */
export function withConsensus(facts: Partial<ConsensusStatus>): ReplicaStatus {
  return { ...healthy, consensus: { ...consensus, ...facts } };
}

/** kms-b and kms-c are gone. */
export const alone: ReplicaStatus = withConsensus({
  role: 'follower',
  leader: null,
  leaseMs: null,
  votersReachable: 1,
  members: [
    member('kms-a', { self: true, matchIndex: null, rttMs: null, lastContactMs: null }),
    member('kms-b', { reachable: false, role: 'unknown', matchIndex: null, lastContactMs: 12_000 }),
    member('kms-c', { reachable: false, role: 'unknown', matchIndex: null, lastContactMs: null }),
  ],
});

export function judged(status: ReplicaStatus): Readiness {
  return new ReadinessWatch().judge(status, now);
}

export const world: MetricsWorld = {
  build: { version: '0.1.0', commit: 'abc1234' },
  chains: [hub, osmosis].map((chain) => ({
    chainId: chain.chainId,
    keyAddress: chain.keyAddress,
    keyType: chain.keyType,
    validators: chain.validators.map((each) => each.address),
  })),
  peers: ['kms-b', 'kms-c'],
};
