/** Who is dialled and who is told, as the membership changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Core, membersOf } from '../src/core/index.js';
import { ConsensusError } from '../src/errors.js';
import { KnownMembers } from '../src/known-members.js';
import { decodeGenesis } from '../src/log-codec.js';
import { checkNewMember, MemberLinks } from '../src/member-links.js';
import type { MembershipNews } from '../src/node-contract.js';
import type { Genesis } from '../src/storage.js';
import { append, Bench, membershipEntry, membershipOf } from './core-bench.js';

const origin: Genesis = { clusterId: 'c-1', self: 'a', membership: membershipOf('abc') };
const listed = ['a', 'b', 'c'].map((name) => ({
  ...{ id: null, name, address: `${name}:1`, witness: false },
}));

/** A follower of b, in term 3, with a membership entry at 1 that it does not know as committed. */
function setUp(
  badAddress: string | null = null,
  joinedWith: Genesis | null = origin,
  joins = false,
  change = membershipOf('abc', 'd'),
) {
  const bench = new Bench().follow('b', 3);
  const entry = membershipEntry(1, 3, change);
  const dials: string[] = [];
  const told: [string, Genesis][] = [];
  const news: MembershipNews[] = [];
  const undialable: string[] = [];
  const links = new MemberLinks(
    new KnownMembers({ id: 'a', name: 'a' }, listed),
    listed,
    {
      setPeers: (peers) => {
        const bad = peers.find(({ address }) => address === badAddress);
        if (bad !== undefined) {
          throw new ConsensusError('CONSENSUS_ADDRESS_INVALID', { address: bad.address });
        }
        dials.push(peers.map(({ name }) => name).join(''));
      },
      send: (to, frame) => {
        if (frame.kind === 'found') told.push([to, decodeGenesis(frame.genesis)]);
        return true;
      },
    },
    {
      core: (): Core => bench.core,
      joinedWith: () => joinedWith,
      joins,
      linked: () => ['b', 'c', 'd'],
      hasJoined: (peer) => peer !== 'd',
      changed: (one) => news.push(one),
      undialable: ({ name }) => undialable.push(name),
    },
  );
  links.follow();
  const hear = (commit: number, leader = 'b', term = 3): void => {
    bench.hear(leader, append(term, [0, 0], [entry], commit));
    links.follow();
  };
  return { links, hear, dials, told, news, undialable };
}

test('a change is dialled for at once, and told to others once it is certain', () => {
  const { hear, dials, told, news } = setUp();
  told.length = 0;
  hear(0);
  assert.deepEqual(dials.at(-1), 'bcd');
  // What is certain meanwhile: to those who joined alone.
  assert.deepEqual(
    told.map(([to, { admitted }]) => [to, admitted?.index]),
    [
      ['b', 0],
      ['c', 0],
    ],
  );
  told.length = 0;
  hear(1);
  assert.deepEqual(
    told.map(([to, { admitted }]) => [to, admitted?.index]),
    [
      ['b', 1],
      ['c', 1],
      ['d', 1],
    ],
  );
  assert.deepEqual(
    news.map(({ index, committed }) => [index, committed]),
    [
      [0, true],
      [1, false],
      [1, true],
    ],
  );
});

test('who is no member is not told who is', () => {
  const { links, told } = setUp();
  told.length = 0;
  links.tellMembers('d');
  assert.equal(told.length, 0);
  links.tellMembers('b');
  assert.deepEqual(
    told.map(([to, { membership }]) => [to, membersOf(membership).length]),
    [['b', 3]],
  );
});

test('being told of a newer membership, it dials for that; of another founding, it does not', () => {
  const { links, dials } = setUp();
  const admitted = { index: 9, membership: membershipOf('abcx') };
  links.onTold({ ...origin, membership: membershipOf('abx'), admitted });
  assert.equal(dials.at(-1), 'bc');
  links.onTold({ ...origin, self: 'x', admitted });
  assert.equal(dials.at(-1), 'bcx');
});

test('who waits to be admitted dials whom it is told of; who is to found goes by its list', () => {
  const admitted = { index: 9, membership: membershipOf('abcx', 'd') };
  for (const [joins, dialled] of [
    [true, 'bcxd'],
    [false, 'bc'],
  ] as const) {
    const { links, dials } = setUp(null, null, joins);
    links.onTold({ ...origin, self: 'x', admitted });
    assert.equal([...(dials.at(-1) ?? '')].sort().join(''), [...dialled].sort().join(''));
  }
});

test('what becomes certain is told to the transport again: it ends links with those who were removed', () => {
  const { hear, dials } = setUp();
  hear(0);
  const before = dials.length;
  hear(1);
  assert.deepEqual(dials.slice(before), ['bcd']);
});

test('a leader that was removed keeps its link, though another has its name, until another leads', () => {
  const { voters, learners } = membershipOf('ac', 'x');
  const departed = membershipOf('b').voters;
  const change = { voters, learners: learners.map((x) => ({ ...x, name: 'b' })), departed };
  const { hear, dials } = setUp(null, origin, false, change);
  hear(0);
  const before = dials.length;
  hear(1);
  assert.equal(dials.length, before);
  hear(1, 'c', 4);
  assert.equal(dials.length, before + 1);
});

test('nothing new is not dialled again', () => {
  const { links, dials } = setUp();
  const before = dials.length;
  links.follow();
  links.dial();
  assert.equal(dials.length, before);
});

test('an address of the log that cannot be dialled ends nobody; one of the list is told as it is', () => {
  const { hear, dials, undialable } = setUp('d:1');
  hear(0);
  assert.deepEqual([dials.at(-1), undialable], ['bc', ['d']]);
  assert.throws(() => setUp('b:1'), { code: 'CONSENSUS_ADDRESS_INVALID' });
});

test('a new member has a name that a certificate may carry, and an address', () => {
  const member = { id: 'x', name: 'x', address: 'x:1', witness: false };
  checkNewMember(member);
  assert.throws(() => checkNewMember({ ...member, name: '' }), { code: 'CONSENSUS_NAME_INVALID' });
  assert.throws(() => checkNewMember({ ...member, id: '' }), { code: 'CONSENSUS_NAME_INVALID' });
  assert.throws(() => checkNewMember({ ...member, address: 'x' }), {
    code: 'CONSENSUS_ADDRESS_INVALID',
  });
});
