/**
 * Changes of the membership, one core at a time.
 *
 * Owns    rules 38, 39, 42, 43 and 44 at the outputs, and each refusal.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChangeRefusal,
  type Membership,
  type MembershipChange,
  mayServe,
  standingOf,
  statusOf,
} from '../src/core/index.js';
import {
  append,
  Bench,
  type BenchStart,
  command,
  membershipEntry,
  membershipOf,
  receipt,
  withoutWakes,
} from './core-bench.js';

const member = (id: string, name = id, witness = false) => ({
  ...{ id, name, address: `${id}:1`, witness },
});
const addLearner = (id: string, name = id): MembershipChange => ({
  kind: 'addLearner',
  member: member(id, name),
});
const promote = (id: string): MembershipChange => ({ kind: 'promote', id });
const remove = (id: string): MembershipChange => ({ kind: 'remove', id });
const replace = (id: string, by: string, name = by): MembershipChange => ({
  ...{ kind: 'replace', id, member: member(by, name) },
});

/** Leads; its empty entry is committed, and those of `live` have just answered. */
function leader(start: BenchStart = {}, live = 'bcdef'): Bench {
  const bench = new Bench(start).lead();
  let round = 0;
  for (const { id } of statusOf(bench.core, bench.now).peers) {
    round += 1;
    if (live.includes(id)) bench.acknowledge(id, bench.core.log.lastIndex, round);
  }
  assert.equal(bench.core.commit, bench.core.log.lastIndex);
  return bench;
}

const inForce = (bench: Bench): string => shown(standingOf(bench.core).inForce.membership);
const shown = ({ voters, learners, departed = [] }: Membership): string =>
  [voters, learners, departed].map((list) => list.map(({ id }) => id).join('')).join('|');

test('rule 39: a change is an entry, sent at once, and in force before it is committed', () => {
  const bench = leader();
  const membership = { ...membershipOf('abc', 'd'), learners: [member('d')] };
  const entry = membershipEntry(2, 1, membership);
  assert.deepEqual(withoutWakes(bench.change(7, addLearner('d'))), [
    ['persist', receipt(3), { entries: [entry] }],
    ['promise', 'b', append(1, [1, 1], [entry], 1, 3), receipt(1)],
    ['promise', 'c', append(1, [1, 1], [entry], 1, 4), receipt(1)],
    // Who is new is asked first where the logs join: it has none.
    ['promise', 'd', append(1, [2, 1], [], 0, 5), receipt(1)],
  ]);
  assert.equal(inForce(bench), 'abc|d|');
  assert.equal(bench.core.commit, 1);
  bench.durable();
  assert.deepEqual(withoutWakes(bench.acknowledge('b', 2)).slice(0, 2), [
    ['resolve', 7, { kind: 'committed', term: 1, index: 2 }],
    ['commit', 2],
  ]);
});

type Row = readonly [
  says: string,
  start: BenchStart,
  change: MembershipChange,
  becomes: string | ChangeRefusal,
];
const rows: readonly Row[] = [
  ['a learner is added', {}, addLearner('d'), 'abc|d|'],
  ['a learner that caught up is promoted', { learners: 'd' }, promote('d'), 'abcd||'],
  ['a voter is removed', {}, remove('b'), 'ac||b'],
  ['a learner is removed', { learners: 'd' }, remove('d'), 'abc||d'],
  ['the leader removes itself', {}, remove('a'), 'bc||a'],
  ['a voter is replaced by a learner', {}, replace('b', 'x'), 'ac|x|b'],
  ['a learner is replaced', { learners: 'd' }, replace('d', 'x'), 'abc|x|d'],
  ['who replaces takes the name too', {}, replace('b', 'x', 'b'), 'ac|x|b'],
  ['one of two leaves', { voters: 'ab' }, remove('b'), 'a||b'],
  ['nobody of that id', {}, remove('x'), { kind: 'unknownMember', id: 'x' }],
  ['nobody to be replaced', {}, replace('x', 'y'), { kind: 'unknownMember', id: 'x' }],
  ['nobody to be promoted', {}, promote('x'), { kind: 'unknownMember', id: 'x' }],
  ['a voter is one already', {}, promote('b'), { kind: 'notLearner', id: 'b' }],
  ['an id that is a voter’s', {}, addLearner('b', 'x'), { kind: 'idInUse', id: 'b' }],
  ['an id that is a learner’s', { learners: 'd' }, replace('b', 'd'), { kind: 'idInUse', id: 'd' }],
  ['its own id again', {}, replace('b', 'b'), { kind: 'idInUse', id: 'b' }],
  ['a name that is in use', {}, addLearner('x', 'b'), { kind: 'nameInUse', name: 'b' }],
  ['another’s name', {}, replace('c', 'x', 'b'), { kind: 'nameInUse', name: 'b' }],
  ['the last voter', { voters: 'a', learners: 'd' }, remove('a'), { kind: 'lastVoter', id: 'a' }],
  [
    'the last one with a key',
    { voters: 'abc', witnesses: 'bc' },
    remove('a'),
    { kind: 'lastKeyHolder', id: 'a' },
  ],
];
for (const [says, start, change, becomes] of rows) {
  test(`${typeof becomes === 'string' ? becomes : becomes.kind}: ${says}`, () => {
    const bench = leader(start);
    const [first] = bench.change(7, change);
    if (typeof becomes === 'string') {
      assert.equal(first?.[0], 'persist');
      assert.equal(inForce(bench), becomes);
      return;
    }
    const before = inForce(bench);
    assert.deepEqual(first, ['resolve', 7, { kind: 'refused', refusal: becomes }]);
    assert.equal(inForce(bench), before);
  });
}

test('rule 9: an identity is used once, also after a snapshot took the place of its entries', () => {
  const bench = leader({ learners: 'd' });
  bench.change(1, remove('d'));
  bench.durable();
  bench.acknowledge('b', 2);
  bench.tell({ kind: 'applied', through: 2 });
  bench.tell({ kind: 'compact', index: 2, state: new Uint8Array() });
  const again = { kind: 'refused', refusal: { kind: 'idUsedBefore', id: 'd' } } as const;
  assert.deepEqual(bench.change(2, addLearner('d')), [['resolve', 2, again]]);
  assert.deepEqual(bench.change(3, replace('b', 'd')), [['resolve', 3, again]]);
});

test('rule 38: one at a time, until it is committed', () => {
  const bench = leader();
  bench.change(1, addLearner('d'));
  const under = { kind: 'refused', refusal: { kind: 'underWay', index: 2 } } as const;
  assert.deepEqual(bench.change(2, addLearner('e')), [['resolve', 2, under]]);
  bench.durable();
  bench.acknowledge('c', 2);
  bench.change(3, addLearner('e'));
  assert.equal(inForce(bench), 'abc|de|');
});

test('rule 38: none before an entry of the leader’s own term is committed', () => {
  const bench = new Bench({ terms: [1] }).lead();
  const refusal = { kind: 'refused', refusal: { kind: 'termNotOpened' } } as const;
  assert.deepEqual(bench.change(1, remove('c')), [['resolve', 1, refusal]]);
  bench.acknowledge('b', 2, 1);
  bench.acknowledge('c', 2, 2);
  bench.change(2, remove('c'));
  assert.equal(inForce(bench), 'ab||c');
});

test('who does not lead, or is handing over, makes none', () => {
  const follower = new Bench().follow('b', 3);
  const answered = (leader: string | null) => [['resolve', 1, { kind: 'notLeader', leader }]];
  assert.deepEqual(follower.change(1, addLearner('d')), answered('b'));
  const bench = leader();
  bench.tell({ kind: 'transfer', to: 'b' });
  assert.deepEqual(bench.change(1, addLearner('d')), answered(null));
});

test('rule 43: who is there must be a quorum of what comes out', () => {
  const refusal = { kind: 'noQuorum', live: 1, needed: 2 } as const;
  for (const change of [remove('b'), replace('b', 'x')]) {
    const bench = leader({}, 'b');
    assert.deepEqual(bench.change(1, change), [['resolve', 1, { kind: 'refused', refusal }]]);
    // It is the dead one that may go.
    bench.change(2, remove('c'));
    assert.equal(inForce(bench), 'ab||c');
  }
});

test('rule 43: the last key holder that is there stays, though witnesses are a quorum', () => {
  for (const change of [remove('a'), replace('a', 'x')]) {
    const bench = leader({ voters: 'abcd', witnesses: 'cd' }, 'cd');
    const refusal = { kind: 'noKeyHolder', id: 'a' } as const;
    assert.deepEqual(bench.change(1, change), [['resolve', 1, { kind: 'refused', refusal }]]);
    // The one that is not there may go.
    bench.change(2, remove('b'));
    assert.equal(inForce(bench), 'acd||b');
  }
});

test('rule 43: nor is one removed that does not answer now, while no other key holder does', () => {
  const bench = leader({ voters: 'abcdef', witnesses: 'acdf' }, 'cdf');
  const refusal = { kind: 'noKeyHolder', id: 'b' } as const;
  assert.deepEqual(bench.change(1, remove('b')), [['resolve', 1, { kind: 'refused', refusal }]]);
  bench.change(2, remove('f'));
  assert.equal(inForce(bench), 'abcde||f');
});

test('rule 43: where none that holds a key is there, one may go and another come', () => {
  const bench = leader({ voters: 'abcde', witnesses: 'acd' }, 'cd');
  bench.change(1, replace('b', 'x'));
  assert.equal(inForce(bench), 'acde|x|b');
});

test('rule 43: who answered long ago, or closed its link, is not there', () => {
  const refused = (bench: Bench) => bench.change(1, remove('b'))[0]?.[2];
  const refusal = { kind: 'noQuorum', live: 1, needed: 2 };
  const closed = leader();
  closed.tell({ kind: 'link', peer: 'c', state: 'closed' });
  assert.deepEqual(refused(closed), { kind: 'refused', refusal });
  const silent = leader();
  for (const [now, round] of [
    [1005, 3],
    [1010, 5],
    [1015, 7],
    [1020, 9],
  ] as const) {
    silent.wake(now);
    silent.acknowledge('b', 1, round);
  }
  assert.deepEqual(refused(silent), { kind: 'refused', refusal });
});

test('a learner is promoted once it holds all that is committed and answers; else how far it is', () => {
  const bench = leader({ learners: 'd' }, 'bc');
  bench.propose(1, 'x');
  bench.durable();
  bench.acknowledge('b', 2, 4);
  bench.acknowledge('d', 1, 3);
  const refused = (refusal: ChangeRefusal) => [['resolve', 2, { kind: 'refused', refusal }]];
  const behind = { kind: 'behind', id: 'd', match: 1, commit: 2 } as const;
  assert.deepEqual(bench.change(2, promote('d')), refused(behind));
  bench.acknowledge('d', 2, 6);
  bench.tell({ kind: 'link', peer: 'd', state: 'closed' });
  assert.deepEqual(bench.change(2, promote('d')), refused({ kind: 'silent', id: 'd' }));
  bench.tell({ kind: 'link', peer: 'd', state: 'up' });
  bench.change(3, promote('d'));
  assert.equal(inForce(bench), 'abcd||');
});

test('the flag of a witness stays with it', () => {
  const bench = leader();
  bench.change(1, { kind: 'addLearner', member: member('w', 'w', true) });
  bench.durable();
  bench.acknowledge('b', 2, 3);
  bench.acknowledge('w', 2, 5);
  bench.change(2, promote('w'));
  const { voters } = standingOf(bench.core).inForce.membership;
  assert.deepEqual(voters.at(-1), member('w', 'w', true));
});

test('rule 41: a learner counts for nothing; promoted, it counts from the same entry on', () => {
  const bench = leader({ learners: 'd' });
  bench.propose(1, 'x');
  bench.durable();
  assert.deepEqual(withoutWakes(bench.acknowledge('d', 2)), []);
  assert.equal(bench.core.commit, 1);
  bench.acknowledge('b', 2);
  bench.change(2, promote('d'));
  bench.durable();
  // Three of four now: a and b are no majority any more.
  bench.acknowledge('b', 3);
  assert.equal(bench.core.commit, 2);
  bench.acknowledge('d', 3);
  assert.equal(bench.core.commit, 3);
});

test('rule 42: who is removed is sent the entry that removes it, and then nothing', () => {
  const bench = leader();
  const toC = (outputs: ReturnType<Bench['tell']>) =>
    outputs.flatMap((out) => (out[0] === 'promise' && out[1] === 'c' ? [out[2]] : []));
  const [last] = toC(bench.change(1, remove('c')));
  assert.ok(last?.kind === 'append' && last.entries[0]?.kind === 'membership');
  assert.deepEqual(toC(bench.wake(1005)), []);
  assert.deepEqual(withoutWakes(bench.acknowledge('c', 2)), []);
});

test('rule 42: a leader that is no voter does not count itself, and leaves after the commit', () => {
  const bench = leader();
  bench.change(1, remove('a'));
  bench.durable();
  bench.acknowledge('b', 2);
  assert.equal(bench.core.commit, 1, 'one of b and c is no majority of them');
  const outputs = withoutWakes(bench.acknowledge('c', 2));
  assert.deepEqual(
    outputs.filter(([kind]) => kind !== 'promise'),
    [
      ['resolve', 1, { kind: 'committed', term: 1, index: 2 }],
      ['commit', 2],
      ['changed', { role: 'follower', term: 1, leader: null, reason: 'removed' }],
    ],
  );
  const successor = { kind: 'timeoutNow', term: 1, lastIndex: 2 };
  assert.deepEqual(outputs.at(-2), ['promise', 'b', successor, receipt(1)]);
  assert.equal(statusOf(bench.core, bench.now).role, 'follower');
  // And it stays silent, however long nobody is heard.
  assert.deepEqual(bench.wake(100_000), [['wakeAt', Number.POSITIVE_INFINITY]]);
});

test('a removed leader whose successor lacks something waits for it one timeout, not longer', () => {
  const bench = leader();
  bench.change(1, remove('a'));
  bench.propose(2, 'x');
  bench.durable();
  bench.acknowledge('b', 2);
  bench.acknowledge('c', 2);
  assert.equal(statusOf(bench.core, bench.now).transferTo, 'b');
  for (const [now, round] of [
    [1005, 8],
    [1010, 12],
    [1015, 16],
  ] as const) {
    bench.wake(now);
    bench.acknowledge('c', 2, round);
    bench.acknowledge('b', 2, round - 1);
  }
  assert.equal(statusOf(bench.core, bench.now).role, 'leader');
  const changes = bench.wake(1020).filter(([kind]) => kind === 'changed' || kind === 'resolve');
  assert.deepEqual(changes, [
    ['resolve', 2, { kind: 'unknown' }],
    ['changed', { role: 'follower', term: 1, leader: null, reason: 'removed' }],
  ]);
});

test('rule 39: a change that is truncated was never in force', () => {
  const change = membershipEntry(2, 1, membershipOf('abcd'));
  const bench = new Bench({ entries: [command(1, 1), change] });
  assert.equal(inForce(bench), 'abcd||');
  bench.follow('b', 2);
  bench.hear('b', append(2, [1, 1], [command(2, 2)]));
  assert.equal(inForce(bench), 'abc||');
});

test('rule 44: a snapshot carries the membership of its place, not the one in force', () => {
  const first = membershipEntry(2, 1, membershipOf('abc', 'd'));
  const second = membershipEntry(4, 1, membershipOf('abcd'));
  const bench = new Bench({ entries: [command(1, 1), first, command(3, 1), second] });
  bench.follow('b', 1);
  bench.hear('b', append(1, [4, 1], [], 3));
  bench.tell({ kind: 'applied', through: 3 });
  for (const [index, membership] of [
    [1, 'abc||'],
    [3, 'abc|d|'],
  ] as const) {
    bench.tell({ kind: 'compact', index, state: new Uint8Array() });
    assert.equal(shown(bench.core.snapshot.membership), membership);
    assert.equal(inForce(bench), 'abcd||');
  }
});

test('rule 39: an election is fought under the membership in force, also one not committed', () => {
  const entries = [membershipEntry(1, 1, membershipOf('abcd'))];
  const bench = new Bench({ entries }).campaign();
  assert.equal(bench.core.role.kind, 'candidate');
  bench.hear('b', { kind: 'voteReply', term: 2, granted: true });
  assert.equal(bench.core.role.kind, 'candidate', 'two of four');
  bench.hear('d', { kind: 'voteReply', term: 2, granted: true });
  assert.equal(bench.core.role.kind, 'leader');
});

test('a vote of one who was removed, and not yet knows it, counts for nothing', () => {
  const entries = [membershipEntry(1, 1, membershipOf('ab'))];
  const bench = new Bench({ entries }).campaign();
  bench.hear('c', { kind: 'voteReply', term: 2, granted: true });
  assert.equal(bench.core.role.kind, 'candidate');
});

test('a witness that leads serves nobody', () => {
  const bench = leader({ witnesses: 'a' });
  bench.tell({ kind: 'applied', through: 1 });
  assert.equal(mayServe(bench.core, bench.now), false);
  // Nor on its way out: it leads until that is committed.
  bench.change(7, remove('a'));
  assert.equal(inForce(bench), 'bc||a');
  assert.equal(mayServe(bench.core, bench.now), false);
  const keyed = leader();
  keyed.tell({ kind: 'applied', through: 1 });
  assert.equal(mayServe(keyed.core, keyed.now), true);
});
