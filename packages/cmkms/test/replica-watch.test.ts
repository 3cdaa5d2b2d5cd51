/** What the watch says of a quorum: only what is so, once for each time that it is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadinessWatch } from '../src/http/index.js';
import { Metrics } from '../src/metrics/index.js';
import { Watch } from '../src/replica/watch.js';
import type { ConsensusStatus, ReplicaStatus } from '../src/status.js';
import { Logged } from './cluster.js';
import { healthy } from './example-status.js';

const metricsWorld = {
  ...{ build: { version: 'test', commit: 'test' }, chains: [], peers: [] },
};

/** One look, at three voters of which so many are in contact. */
function looked(reachable: number, leaderlessMs: number): Logged {
  const { consensus } = healthy;
  assert.ok(consensus !== null);
  const seen: ConsensusStatus = {
    ...consensus,
    leader: null,
    votersReachable: reachable,
    members: consensus.members.map((member, i) => ({ ...member, reachable: i < reachable })),
  };
  const status: ReplicaStatus = { ...healthy, consensus: seen };
  const logged = new Logged();
  const metrics = new Metrics(metricsWorld, { processMetrics: false });
  const watched = {
    node: { status: () => null },
    fitness: { look: () => undefined },
    leaderlessMs: () => leaderlessMs,
  };
  const source = { status: () => status };
  const journal = { pause: () => undefined };
  const watch = new Watch(watched, source, new ReadinessWatch(), logged.log, metrics, journal);
  watch.start();
  watch.stop();
  metrics.stop();
  return logged;
}

test('no leader yet, and all are in contact: that is an election, not a missing quorum', () => {
  assert.deepEqual(looked(3, 5000).all('no_quorum'), []);
  assert.deepEqual(looked(2, 5000).all('no_quorum'), []);
});

test('fewer than a quorum and no leader: said, with who is missing', () => {
  const [said] = looked(1, 5000).all('no_quorum');
  assert.deepEqual([said?.reachable, said?.voters, said?.missing.length], [1, 3, 2]);
});

test('fewer than a quorum seen from here, but there is a leader: signing goes on', () => {
  assert.deepEqual(looked(1, 0).all('no_quorum'), []);
});

test('below the minimum of free space the journal leaves what there is to the log', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const [low, edge, enough] = [4_000_000, 5_000_000, 6_250_000];
  let freeBytes = enough;
  const disk = { path: 'data', minimumBytes: edge } as const;
  const source = {
    status: (): ReplicaStatus => ({ ...healthy, disks: [{ ...disk, freeBytes }] }),
  };
  const paused: boolean[] = [];
  const journal = { pause: (why: string | null) => void paused.push(why !== null) };
  const watched = {
    ...{ node: { status: () => null }, leaderlessMs: () => 0 },
    fitness: { look: () => undefined },
  };
  const metrics = new Metrics(metricsWorld, { processMetrics: false });
  const { log } = new Logged();
  const watch = new Watch(watched, source, new ReadinessWatch(), log, metrics, journal);
  watch.start();
  for (const bytes of [low, edge, enough]) {
    freeBytes = bytes;
    t.mock.timers.tick(1000);
  }
  watch.stop();
  metrics.stop();
  // At the edge it does not go to and fro.
  assert.deepEqual(paused, [false, true, true, false]);
});
