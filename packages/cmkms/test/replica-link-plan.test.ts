/** Who dials a validator: every combination of the facts, against the sentences of the design. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DROPS_TO_GIVE_WAY,
  givesWay,
  isExclusive,
  type LinkFacts,
  type LinkOrder,
  planLink,
} from '../src/replica/link-plan.js';

const shared: LinkFacts = {
  exclusive: false,
  oursToDial: false,
  connectedMs: null,
  heldElsewhere: false,
  dropped: false,
  unheldMs: 0,
};
const member = { founded: true, member: true };
const ours: LinkFacts = { ...shared, oursToDial: true };

const rows: readonly (readonly [string, number, LinkFacts, LinkOrder])[] = [
  ['the leader dials a link that nobody holds', 0, ours, 'hold'],
  ['the leader leaves a link to its holder', 0, { ...ours, heldElsewhere: true }, 'release'],
  ['a follower does not dial what others can reach', 0, shared, 'release'],
  ['a follower keeps a link that it holds', 0, { ...shared, connectedMs: 1e9 }, 'hold'],
  ['what only we can reach is held by a follower', 0, { ...shared, exclusive: true }, 'hold'],
  ['what nobody holds for 5 s is dialled by all', 0, { ...shared, unheldMs: 5000 }, 'hold'],
  [
    'what we dropped ourselves is there again for the node',
    0,
    { ...shared, dropped: true },
    'hold',
  ],
  ['unless another has it', 0, { ...shared, dropped: true, heldElsewhere: true }, 'release'],
  ['until somebody has it', 0, { ...shared, unheldMs: 9000, heldElsewhere: true }, 'release'],
  ['an election is no reason to dial', 1999, shared, 'release'],
  ['without a leader for 2 s everyone holds', 2000, shared, 'hold'],
  [
    'for 5 s at most, so that a leader we cannot see gets in',
    7000,
    { ...shared, connectedMs: 9000 },
    'reset',
  ],
  [
    'counted from when holding began without a leader',
    6999,
    { ...shared, connectedMs: 9000 },
    'hold',
  ],
  ['counted anew after each reset', 60_000, { ...shared, connectedMs: 4999 }, 'hold'],
  [
    'never where nobody else could use the link',
    60_000,
    { ...shared, exclusive: true, connectedMs: 60_000 },
    'hold',
  ],
];
for (const [why, leaderlessMs, link, order] of rows) {
  test(`${order}: ${why}`, () => assert.equal(planLink({ ...member, leaderlessMs }, link), order));
}

test('before the founding nobody dials: a node that starts then asks for votes that nobody can give', () => {
  for (const leaderlessMs of [0, 2000, 60_000]) {
    for (const exclusive of [true, false]) {
      const link = { ...ours, exclusive, dropped: true, unheldMs: 60_000 };
      assert.equal(planLink({ founded: false, member: false, leaderlessMs }, link), 'release');
    }
  }
});

test('a removed replica without a leader leaves the links to those who can sign', () => {
  const removed = { founded: true, member: false, leaderlessMs: 2000 };
  for (const connectedMs of [null, 0, 9000]) {
    const link = { ...ours, connectedMs, dropped: true, unheldMs: 60_000 };
    assert.equal(planLink(removed, link), 'release');
    // A node that only it can reach would otherwise wait for a signer until its operator comes.
    assert.equal(planLink(removed, { ...link, exclusive: true }), 'hold');
  }
  // While it hears a leader, it is removed by it, and keeps until then what it holds.
  assert.equal(planLink({ ...removed, leaderlessMs: 0 }, { ...shared, connectedMs: 0 }), 'hold');
});

test('with a leader, a link that works is never given up, whoever leads', () => {
  for (const oursToDial of [true, false]) {
    for (const heldElsewhere of [true, false]) {
      const link = { ...shared, oursToDial, connectedMs: 0, heldElsewhere };
      assert.equal(planLink({ ...member, leaderlessMs: 0 }, link), 'hold');
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

test('a link is given up for want of answers only where another replica may do better', () => {
  assert.equal(givesWay(DROPS_TO_GIVE_WAY - 1, shared), false);
  assert.equal(givesWay(DROPS_TO_GIVE_WAY, shared), true);
  assert.equal(givesWay(DROPS_TO_GIVE_WAY, ours), false, 'a leader that nobody follows');
  assert.equal(givesWay(DROPS_TO_GIVE_WAY, { ...shared, exclusive: true }), false);
});
