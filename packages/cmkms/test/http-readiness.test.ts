/**
 * Readiness as a table: what changes in a healthy replica, and what is said of it.
 *
 * Owns    each code once at least, and that they do not mix.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeReadiness, ReadinessWatch, reasonCodes } from '../src/http/index.js';
import { noteCodes } from '../src/http/readiness.js';
import type { ReplicaStatus } from '../src/status.js';
import {
  alone,
  consensus,
  healthy,
  hub,
  member,
  now,
  osmosis,
  validator,
  withConsensus,
} from './example-status.js';

const day = 86_400_000;

type Row = readonly [why: string, status: ReplicaStatus, reasons: string[], notes?: string[]];

const rows: readonly Row[] = [
  ['nothing is wrong', healthy, []],
  [
    'a follower is ready too',
    withConsensus({ role: 'follower', leaseMs: null, leader: { id: 'kms-b', address: 'b:1' } }),
    [],
  ],
  [
    'no leader for a moment is an election, and no reason as long as a quorum is in contact',
    withConsensus({ role: 'candidate', leaseMs: null, leader: null }),
    [],
  ],
  [
    'the log is not open yet',
    { ...healthy, phase: { kind: 'starting' }, consensus: null, log: null },
    ['STARTING: the log is being opened'],
  ],
  [
    'the log is open, the membership not known yet',
    { ...healthy, consensus: null },
    ['STARTING: the log is being opened'],
  ],
  [
    'the cluster is not founded',
    {
      ...healthy,
      phase: {
        kind: 'founding',
        answered: ['kms-a', 'kms-b'],
        missing: ['kms-c=10.0.0.12:9430'],
      },
      consensus: null,
    },
    ['WAITING_FOR_FOUNDING: 2 of 3 members answered, missing kms-c=10.0.0.12:9430'],
  ],
  [
    'the others are out of contact',
    alone,
    ['NO_QUORUM: 1 of 3 voters in contact; kms-b 12 s ago, kms-c never seen'],
  ],
  [
    'two of two are needed',
    withConsensus({
      voters: 2,
      votersReachable: 1,
      members: [member('kms-a', { self: true }), member('kms-b', { reachable: false })],
    }),
    ['NO_QUORUM: 1 of 2 voters in contact; kms-b 12 ms ago'],
  ],
  [
    'one of three is down: still ready, nothing more may fail',
    withConsensus({ votersReachable: 2 }),
    [],
    ['NO_FAULT_TOLERANCE: 2 of 3 voters in contact: if one more stops, signing stops'],
  ],
  [
    'two replicas tolerate nothing even when both are well',
    withConsensus({ voters: 2, votersReachable: 2 }),
    [],
    ['NO_FAULT_TOLERANCE: 2 of 2 voters in contact: if one more stops, signing stops'],
  ],
  [
    'committed entries wait to be applied',
    withConsensus({ appliedIndex: consensus.commitIndex - 1001 }),
    ['CATCHING_UP: 1001 committed entries are not applied yet'],
  ],
  ['a few entries are no lag', withConsensus({ appliedIndex: consensus.commitIndex - 1000 }), []],
  [
    'a learner has no vote',
    withConsensus({ role: 'learner', leaseMs: null }),
    ['CATCHING_UP: this replica is a learner and has no vote yet'],
  ],
  [
    'a key is not there',
    { ...healthy, chains: [{ ...hub, keyLoaded: false }, osmosis] },
    ['KEY_MISSING: no key loaded for cosmoshub-4'],
  ],
  [
    'a watermark is being rebuilt',
    { ...healthy, chains: [hub, { ...osmosis, watermark: 'rebuilding' }] },
    ['STATE_BEHIND: the watermark is being rebuilt for osmosis-1'],
  ],
  [
    'a disk is nearly full',
    { ...healthy, disks: [{ path: 'data', freeBytes: 2 ** 20, minimumBytes: 2 ** 28 }] },
    ['DISK_LOW: data: 1 MiB free, minimum 256 MiB'],
  ],
  [
    'a sync took longer than an election',
    { ...healthy, log: { bytes: 1, failed: false, lastSyncMs: 120.06, slowSyncMs: 120 } },
    ['DISK_SLOW: the last log sync took 120.1 ms, limit 120 ms'],
  ],
  [
    'the log failed',
    { ...healthy, log: { bytes: 1, failed: true, lastSyncMs: 1, slowSyncMs: 120 } },
    ['WAL_FAILED: the log cannot be written'],
  ],
  [
    'another identity took its place',
    { ...healthy, phase: { kind: 'replaced' } },
    ['REPLACED: another replica was admitted in the place of this one'],
  ],
  [
    'it is being stopped',
    { ...healthy, phase: { kind: 'draining' } },
    ['DRAINING: this replica is stopping'],
  ],
  [
    'another replica has other settings',
    withConsensus({
      members: [
        ...consensus.members.filter(({ id }) => id !== 'kms-b'),
        member('kms-b', { configDrift: ['election_timeout', 'chains'] }),
      ],
    }),
    [],
    ['CONFIG_DRIFT: kms-b differs in election_timeout, chains'],
  ],
  [
    'a home that joins, and is not admitted yet',
    { ...healthy, phase: { kind: 'joining', waits: 'on the leader: ...' }, consensus: null },
    ['WAITING_FOR_ADMISSION: on the leader: ...'],
  ],
  [
    'a learner that is away: no voter is',
    withConsensus({
      members: [
        ...consensus.members,
        member('kms-d', { voter: false, role: 'learner', reachable: false }),
      ],
    }),
    [],
  ],
  [
    'one key holder and two witnesses: a quorum may lose one, and nothing could be signed',
    withConsensus({
      members: consensus.members.map((each) => ({ ...each, witness: !each.self })),
    }),
    [],
    ['NO_FAULT_TOLERANCE: 3 of 3 voters in contact: if one more stops, signing stops'],
  ],
  [
    'a list of the members of before',
    { ...healthy, staleList: 'peer lists a, b, as it was once' },
    [],
    ['MEMBERS_CHANGED: peer lists a, b, as it was once'],
  ],
  [
    'certificates end',
    { ...healthy, certificateNotAfter: { own: now + 59.5 * day, ca: now - 2 * day } },
    [],
    ["CERT_EXPIRES: this replica's certificate ends in 59 days; the cluster's CA has expired"],
  ],
  ['no certificates at all', { ...healthy, certificateNotAfter: { own: null, ca: null } }, []],
  [
    'a chain waits for the restart of the others, which must not wait for it',
    {
      ...healthy,
      chains: [{ ...hub, registration: 'unregistered', waitingFor: 'kms-c has no such chain' }],
    },
    [],
    ['CHAIN_UNREGISTERED: cosmoshub-4: kms-c has no such chain'],
  ],
  [
    'a chain is halted: wanted, so ready',
    { ...healthy, chains: [{ ...hub, haltHeight: 22_000_000n }] },
    [],
    ['CHAIN_HALTED: cosmoshub-4 signs nothing from height 22000000 on'],
  ],
  [
    'a chain was retired',
    { ...healthy, chains: [{ ...hub, registration: 'retired' }] },
    [],
    ['CHAIN_RETIRED: never signed again: cosmoshub-4'],
  ],
  [
    'a validator is down: an upgrade must not evict signers',
    {
      ...healthy,
      chains: [
        {
          ...hub,
          validators: [
            validator('tcp://a:1', { state: 'dialing', lastError: 'connection refused' }),
            validator('tcp://b:1', { state: 'parked' }),
            validator('tcp://c:1', { state: 'idle' }),
          ],
        },
      ],
    },
    [],
    [
      'VALIDATOR_DOWN: tcp://a:1 (cosmoshub-4) dialing: connection refused; tcp://b:1 (cosmoshub-4) parked',
    ],
  ],
  [
    'signing is slow',
    { ...healthy, chains: [{ ...hub, medianMs: 12.34 }, osmosis] },
    [],
    ['LATENCY_BUDGET: cosmoshub-4: median 12.3 ms, budget 10 ms'],
  ],
];

const shown = (found: readonly { code: string; detail: string }[]): string[] =>
  found.map(({ code, detail }) => `${code}: ${detail}`);

for (const [why, status, reasons, notes = []] of rows) {
  test(`${reasons[0] ?? notes[0] ?? 'ready'} (${why})`, () => {
    const findings = judgeReadiness(status, now);
    assert.deepEqual(shown(findings.reasons), reasons);
    assert.deepEqual(shown(findings.notes), notes);
  });
}

test('every code has a row', () => {
  const said = rows.flatMap(([, , reasons, notes = []]) => [...reasons, ...notes]);
  for (const code of [...reasonCodes, ...noteCodes]) {
    assert.ok(
      said.some((text) => text.startsWith(`${code}: `)),
      code,
    );
  }
});

test('several reasons stand side by side', () => {
  const status: ReplicaStatus = {
    ...alone,
    phase: { kind: 'draining' },
    chains: [{ ...hub, keyLoaded: false }],
  };
  const { reasons } = judgeReadiness(status, now);
  assert.deepEqual(
    reasons.map((reason) => reason.code),
    ['NO_QUORUM', 'KEY_MISSING', 'DRAINING'],
  );
});

test('a finding keeps its beginning while it holds, and begins anew after a break', () => {
  const watch = new ReadinessWatch();
  const since = (status: ReplicaStatus, at: number): number | undefined =>
    watch.judge(status, at).reasons.find((reason) => reason.code === 'NO_QUORUM')?.since;
  assert.equal(since(alone, 100), 100);
  assert.equal(since(alone, 200), 100);
  assert.equal(since(healthy, 300), undefined);
  assert.equal(since(alone, 400), 400);
});
