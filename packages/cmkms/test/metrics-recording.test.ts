/**
 * Which event moves which series, and nothing else.
 *
 * Owns    the difference between the text before and after each event.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Metrics } from '../src/metrics/index.js';
import { healthy, hub, judged, now, osmosis, world } from './example-status.js';
import { parseSamples, type Samples } from './exposition.js';

/** What changed, without buckets and without the event-loop lag, which the real loop moves. */
async function changes(
  t: TestContext,
  act: (metrics: Metrics) => void,
): Promise<Record<string, number>> {
  const metrics = new Metrics(world, { processMetrics: false });
  t.after(() => metrics.stop());
  const read = async (): Promise<Samples> =>
    parseSamples(await metrics.text(healthy, judged(healthy), now));
  const before = await read();
  act(metrics);
  const changed: Record<string, number> = {};
  for (const [name, value] of await read()) {
    const noise = name.includes('_bucket{') || name.startsWith('cmkms_event_loop_lag');
    if (!noise && value !== before.get(name)) changed[name] = value;
  }
  return changed;
}

const link = { chainId: 'osmosis-1', validator: 'unix:///run/osmosis/privval.sock' };
const linkLabels = 'chain_id="osmosis-1",';
const linkEnd = 'validator="unix:///run/osmosis/privval.sock"';

test('a granted request', async (t) => {
  assert.deepEqual(await changes(t, (m) => m.signRequest(hub, 'precommit', 'granted')), {
    'cmkms_sign_requests_total{chain_id="cosmoshub-4",key="5B9F6C0D",outcome="granted",type="precommit"}': 1,
  });
});

test('a conflict is an alarm as well', async (t) => {
  assert.deepEqual(await changes(t, (m) => m.signRequest(osmosis, 'prevote', 'conflict')), {
    'cmkms_sign_requests_total{chain_id="osmosis-1",key="77C01122",outcome="conflict",type="prevote"}': 1,
    'cmkms_double_sign_attempts_total{chain_id="osmosis-1",key="77C01122",type="prevote"}': 1,
  });
});

test('a released vote for nil: its stages in seconds, its time, and nil', async (t) => {
  const changed = await changes(t, (m) =>
    m.released(hub, {
      type: 'prevote',
      height: 5n,
      nil: true,
      at: 1_700_000_000_500,
      stagesMs: { commit: 2, total: 4 },
    }),
  );
  const labels = 'chain_id="cosmoshub-4",key="5B9F6C0D"';
  assert.deepEqual(changed, {
    [`cmkms_sign_duration_seconds_count{${labels},stage="commit",type="prevote"}`]: 1,
    [`cmkms_sign_duration_seconds_sum{${labels},stage="commit",type="prevote"}`]: 0.002,
    [`cmkms_sign_duration_seconds_count{${labels},stage="total",type="prevote"}`]: 1,
    [`cmkms_sign_duration_seconds_sum{${labels},stage="total",type="prevote"}`]: 0.004,
    [`cmkms_last_released_timestamp_seconds{${labels},type="prevote"}`]: 1_700_000_000.5,
    [`cmkms_nil_votes_total{${labels},type="prevote"}`]: 1,
  });
});

const missed = 'cmkms_missed_heights_total{chain_id="cosmoshub-4",key="5B9F6C0D",type="precommit"}';

/** Reserves and releases precommits of the hub at these heights; a negative one is released elsewhere. */
function precommits(...heights: number[]): (metrics: Metrics) => void {
  return (m) => {
    for (const signed of heights) {
      const height = BigInt(Math.abs(signed));
      m.reserved(hub, { height, round: 0, step: 3 });
      if (signed < 0) continue;
      m.released(hub, { type: 'precommit', height, nil: false, at: 0, stagesMs: {} });
    }
  };
}

const gaps: readonly (readonly [why: string, heights: number[], missed: number | undefined])[] = [
  ['the first one after a start has no predecessor', [100], undefined],
  ['each height', [100, 101, 102], undefined],
  ['two are passed over', [100, 103], 2],
  ['one that another replica released is not missed', [100, -101, 102], undefined],
  ['a gap that ends at another replica is counted there', [100, -103, 104], undefined],
  ['the same height again (repeated) is not a gap, nor counted twice', [100, 103, 103], 2],
  ['an older one that is repeated changes nothing', [100, 103, 100, 104], 2],
];
for (const [why, heights, expected] of gaps) {
  test(`missed heights: ${why}`, async (t) => {
    assert.equal((await changes(t, precommits(...heights)))[missed], expected);
  });
}

test('a reservation moves height and round of its type, on every replica', async (t) => {
  assert.deepEqual(await changes(t, (m) => m.reserved(hub, { height: 21n, round: 3, step: 1 })), {
    'cmkms_last_reserved_height{chain_id="cosmoshub-4",key="5B9F6C0D",type="proposal"}': 21,
    'cmkms_last_reserved_round{chain_id="cosmoshub-4",key="5B9F6C0D",type="proposal"}': 3,
  });
});

const single: readonly (readonly [string, (m: Metrics) => void, Record<string, number>])[] = [
  [
    'the watermark refused',
    (m) => m.secondGateRefused(hub, 'regressed'),
    {
      'cmkms_second_gate_refusals_total{chain_id="cosmoshub-4",key="5B9F6C0D",reason="regressed"}': 1,
    },
  ],
  [
    'a signature did not verify',
    (m) => m.selfVerifyFailed(hub),
    { 'cmkms_self_verify_failures_total{chain_id="cosmoshub-4",key="5B9F6C0D"}': 1 },
  ],
  [
    'a public key was asked for',
    (m) => m.pubKeyAnswered(link),
    { [`cmkms_pubkey_requests_total{${linkLabels}${linkEnd}}`]: 1 },
  ],
  [
    'a dial',
    (m) => m.dialed(link, 'not_privval'),
    { [`cmkms_validator_dials_total{${linkLabels}outcome="not_privval",${linkEnd}}`]: 1 },
  ],
  [
    'a bad frame',
    (m) => m.badFrame(link, 'oversized'),
    { [`cmkms_validator_bad_frames_total{${linkLabels}reason="oversized",${linkEnd}}`]: 1 },
  ],
  [
    'a validator spoke',
    (m) => m.validatorSpoke(link, 12_500),
    { [`cmkms_validator_last_request_timestamp_seconds{${linkLabels}${linkEnd}}`]: 12.5 },
  ],
  ['an election', (m) => m.election('won'), { 'cmkms_raft_elections_total{result="won"}': 1 }],
  ['a change of leader', (m) => m.leaderChanged(), { cmkms_raft_leader_changes_total: 1 }],
  [
    'a round trip',
    (m) => m.peerRoundTrip('kms-b', 2),
    {
      'cmkms_raft_peer_rtt_seconds_count{peer="kms-b"}': 1,
      'cmkms_raft_peer_rtt_seconds_sum{peer="kms-b"}': 0.002,
    },
  ],
  [
    'a log sync',
    (m) => m.logSynced(1),
    { cmkms_wal_sync_duration_seconds_count: 1, cmkms_wal_sync_duration_seconds_sum: 0.001 },
  ],
  [
    'a proposal was committed without its own disk',
    (m) => m.committed({ propose: 1, own_sync: null, follower_sync: 2, apply: 3 }),
    {
      'cmkms_raft_commit_duration_seconds_count{stage="propose"}': 1,
      'cmkms_raft_commit_duration_seconds_sum{stage="propose"}': 0.001,
      'cmkms_raft_commit_duration_seconds_count{stage="follower_sync"}': 1,
      'cmkms_raft_commit_duration_seconds_sum{stage="follower_sync"}': 0.002,
      'cmkms_raft_commit_duration_seconds_count{stage="apply"}': 1,
      'cmkms_raft_commit_duration_seconds_sum{stage="apply"}': 0.003,
    },
  ],
  [
    'a state that was compared',
    (m) => m.stateChecked('equal'),
    { 'cmkms_state_checks_total{result="equal"}': 1 },
  ],
  [
    'a watermark sync',
    (m) => m.watermarkSynced(1),
    {
      cmkms_watermark_sync_duration_seconds_count: 1,
      cmkms_watermark_sync_duration_seconds_sum: 0.001,
    },
  ],
];
for (const [why, act, expected] of single) {
  test(why, async (t) => assert.deepEqual(await changes(t, act), expected));
}

test('what others lost is shown as their totals, whenever it is read', async (t) => {
  let lost = 3;
  const metrics = new Metrics(world, {
    processMetrics: false,
    losses: () => ({ logLines: lost, journalEntries: 2 * lost }),
  });
  t.after(() => metrics.stop());
  const read = async (): Promise<(number | undefined)[]> => {
    const samples = parseSamples(await metrics.text(healthy, judged(healthy), now));
    return [
      samples.get('cmkms_log_lines_dropped_total'),
      samples.get('cmkms_journal_entries_dropped_total'),
    ];
  };
  assert.deepEqual(await read(), [3, 6]);
  lost = 4;
  assert.deepEqual(await read(), [4, 8]);
});
