/** Who dials a validator: every combination of the facts, against the sentences of the design. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ClusterFacts,
  isExclusive,
  type LinkFacts,
  type LinkOrder,
  planLink,
} from '../src/replica/link-plan.js';

const led: ClusterFacts = { leading: false, leaderlessMs: 0 };
const leading: ClusterFacts = { leading: true, leaderlessMs: 0 };
const shared: LinkFacts = { exclusive: false, connectedMs: null, heldElsewhere: false };

const rows: readonly (readonly [string, ClusterFacts, LinkFacts, LinkOrder])[] = [
  ['the leader dials a link that nobody holds', leading, shared, 'hold'],
  [
    'the leader leaves a link to the member that holds it',
    leading,
    { ...shared, heldElsewhere: true },
    'release',
  ],
  ['a follower does not dial what others can reach', led, shared, 'release'],
  ['a follower keeps a link that it holds', led, { ...shared, connectedMs: 1e9 }, 'hold'],
  [
    'a link that only we can reach is held by a follower',
    led,
    { ...shared, exclusive: true },
    'hold',
  ],
  ['an election is no reason to dial', { leading: false, leaderlessMs: 1999 }, shared, 'release'],
  [
    'without a leader for 2 s everyone holds',
    { leading: false, leaderlessMs: 2000 },
    shared,
    'hold',
  ],
  [
    'for 5 s at most, so that a leader we cannot see gets in',
    { leading: false, leaderlessMs: 7000 },
    { ...shared, connectedMs: 9000 },
    'reset',
  ],
  [
    'counted from when holding began without a leader',
    { leading: false, leaderlessMs: 6999 },
    { ...shared, connectedMs: 9000 },
    'hold',
  ],
  [
    'counted anew after each reset',
    { leading: false, leaderlessMs: 60_000 },
    { ...shared, connectedMs: 4999 },
    'hold',
  ],
  [
    'never where nobody else could use the link',
    { leading: false, leaderlessMs: 60_000 },
    { exclusive: true, connectedMs: 60_000, heldElsewhere: false },
    'hold',
  ],
];
for (const [why, cluster, link, order] of rows) {
  test(`${order}: ${why}`, () => assert.equal(planLink(cluster, link), order));
}

test('with a leader, a link that works is never given up, whoever leads', () => {
  for (const leadingHere of [true, false]) {
    for (const heldElsewhere of [true, false]) {
      const cluster = { leading: leadingHere, leaderlessMs: 0 };
      assert.equal(planLink(cluster, { exclusive: false, connectedMs: 0, heldElsewhere }), 'hold');
    }
  }
});

const far = ['10.0.0.10', '10.0.0.11'];
const near = ['127.0.0.1', '127.0.0.1'];
const reach: readonly (readonly [string, string, readonly string[], readonly string[], boolean])[] =
  [
    ['a remote node listed by all is shared', 'tcp://10.0.1.20:26659', ['a', 'b'], far, false],
    ['a remote node listed by one is its own', 'tcp://10.0.1.20:26659', ['a'], far, true],
    ['a socket is local to its machine', 'unix:///run/privval.sock', ['a', 'b'], far, true],
    [
      'loopback on several machines is several nodes',
      'tcp://127.0.0.1:26659',
      ['a', 'b'],
      far,
      true,
    ],
    [
      'loopback is shared by replicas on one machine',
      'tcp://127.0.0.1:26659',
      ['a', 'b'],
      near,
      false,
    ],
    ['so is a socket', 'unix:///run/privval.sock', ['a', 'b'], near, false],
    ['IPv6 loopback counts as loopback', 'tcp://[::1]:26659', ['a', 'b'], far, true],
  ];
for (const [why, address, listedBy, hosts, exclusive] of reach) {
  test(why, () => assert.equal(isExclusive(address, listedBy, hosts), exclusive));
}
