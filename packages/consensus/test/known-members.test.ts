/** Who is a member as far as one replica knows, and with whom it links for that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member, Membership, RecoveredLog } from '../src/core/index.js';
import type { ListedMember } from '../src/founding.js';
import { KnownMembers } from '../src/known-members.js';
import { command, membershipEntry, membershipOf } from './core-bench.js';

const listed: readonly ListedMember[] = ['a', 'b', 'c'].map((name) => ({
  ...{ id: null, name, address: `${name}.here:1`, witness: false },
}));
const member = (id: string, name = id): Member => ({
  ...{ id, name, address: `${id}:1`, witness: false },
});
const placed = (index: number, membership: Membership) => ({ index, membership });
const sure = (index: number, membership: Membership) => ({
  inForce: placed(index, membership),
  committed: placed(index, membership),
});
const knowing = (membership: Membership | null, list = listed): KnownMembers => {
  const known = new KnownMembers({ id: 'a', name: 'a' }, list);
  if (membership !== null) known.follow(sure(5, membership));
  return known;
};
const dialled = (known: KnownMembers, leader: string | null = null): string =>
  known
    .endpoints(leader)
    .map(({ id, name, address }) => `${name}=${id ?? '?'}@${address}`)
    .join(' ');

const withoutC: Membership = { ...membershipOf('ab'), departed: [member('c')] };

test('before the founding the list is all there is', () => {
  assert.equal(dialled(knowing(null)), 'b=?@b.here:1 c=?@c.here:1');
  assert.equal(knowing(null).isMember('b'), false);
});

test('members of the log are linked, listed or not; the list’s address goes first', () => {
  const known = knowing(membershipOf('abc', 'd'));
  assert.equal(dialled(known), 'b=b@b.here:1 c=c@c.here:1 d=d@d:1');
  assert.deepEqual(
    ['d', 'e'].map((id) => known.isMember(id)),
    [true, false],
  );
});

test('who is listed and no member yet is linked too; who left is not', () => {
  assert.equal(dialled(knowing(membershipOf('ab'))), 'b=b@b.here:1 c=?@c.here:1');
  assert.equal(dialled(knowing(withoutC)), 'b=b@b.here:1');
});

test('a removal counts from its commit on, and an addition from its entry on', () => {
  const known = knowing(null);
  known.follow({ inForce: placed(9, withoutC), committed: placed(0, membershipOf('abc')) });
  assert.deepEqual([known.isRemoved('c'), known.isMember('c')], [false, true]);
  assert.equal(dialled(known), 'b=b@b.here:1 c=c@c.here:1');
  known.follow(sure(9, withoutC));
  assert.deepEqual([known.isRemoved('c'), known.isMember('c')], [true, false]);
});

test('a removed one is kept while it leads: it has a word to say about who is next', () => {
  assert.equal(dialled(knowing(withoutC), 'c'), 'b=b@b.here:1 c=c@c.here:1');
  assert.equal(knowing(withoutC).isMember('c'), false);
});

test('a replacement of the same name is who is linked, at its own address where the list means the other', () => {
  const replaced = {
    ...membershipOf('ab'),
    learners: [member('x', 'c')],
    departed: [member('c')],
  };
  assert.equal(dialled(knowing(replaced)), 'b=b@b.here:1 c=x@c.here:1');
  const byIdentity = listed.map((one) => ({ ...one, id: one.name }));
  assert.equal(dialled(knowing(replaced, byIdentity)), 'b=b@b.here:1 c=x@x:1');
  const known = knowing(null);
  known.follow({ inForce: placed(9, replaced), committed: placed(0, membershipOf('abc')) });
  assert.deepEqual(known.idsOf('c'), ['x', 'c'], 'both, while it may be rolled back');
  assert.equal(known.endpoints(null).find(({ name }) => name === 'c')?.id, 'x');
});

test('what another member tells counts where it is newer, until our own log says as much', () => {
  const known = knowing(membershipOf('abc'));
  assert.equal(known.told(placed(4, membershipOf('abx'))), false, 'older than our own');
  assert.ok(known.told(placed(8, membershipOf('abcd'))));
  assert.equal(known.told(placed(8, membershipOf('abcd'))), false, 'told before');
  assert.ok(known.isMember('d'));
  known.follow(sure(9, membershipOf('abc')));
  assert.equal(known.isMember('d'), false);
});

test('read back from disk, the last entry is in force and the snapshot committed', () => {
  const known = new KnownMembers({ id: 'a', name: 'a' }, listed);
  const log: RecoveredLog = {
    hard: { term: 1, votedFor: null },
    snapshot: { index: 3, term: 1, membership: membershipOf('abc'), state: new Uint8Array() },
    entries: [membershipEntry(4, 1, withoutC), command(5, 1)],
  };
  known.recovered(log);
  assert.deepEqual([known.isMember('c'), known.isRemoved('c')], [true, false]);
  assert.equal(known.standing?.inForce.index, 4);
});

test('the same standing again is no news', () => {
  const known = knowing(null);
  const standing = sure(5, membershipOf('abc'));
  assert.ok(known.follow(standing));
  assert.equal(known.follow({ ...standing, inForce: { ...standing.inForce } }), false);
  assert.ok(known.follow(sure(5, membershipOf('abc', 'd'))));
});
