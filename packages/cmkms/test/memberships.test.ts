/** The list in a configuration, against all that the log's membership ever was. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Membership } from '@cometkms/consensus';
import { systemFiles } from '@cometkms/signer';
import {
  judgeList,
  Memberships,
  type PastMembership,
  readMemberships,
} from '../src/memberships.js';
import { judgeOwnList, refuseOtherRole } from '../src/replica/own-membership.js';
import { scratch } from './scratch-homes.js';

const past: readonly PastMembership[] = [
  { index: 0, members: ['a', 'b', 'c'] },
  { index: 20, members: ['a', 'b', 'd', 'e'] },
  { index: 10, members: ['a', 'b', 'd'] },
];
const now = ['a', 'b', 'd', 'e'];

const rows: readonly (readonly [why: string, listed: string, verdict: unknown])[] = [
  ['the members, in whatever order', 'e d b a', { kind: 'same' }],
  ['as founded', 'a b c', { kind: 'earlier', members: now }],
  ['as between two changes', 'b a d', { kind: 'earlier', members: now }],
  ['some of them: as if the others were none', 'a b', { kind: 'differs', members: now }],
  ['somebody it knows nothing of', 'a b d e f', { kind: 'ahead', members: now, unknown: ['f'] }],
  [
    'some of them and somebody unknown',
    'f g a',
    { kind: 'ahead', members: now, unknown: ['f', 'g'] },
  ],
  ['all that ever were', 'a b c d e', { kind: 'differs', members: now }],
  ['none', '', { kind: 'differs', members: now }],
];
for (const [why, listed, verdict] of rows) {
  test(`a list of ${why}`, () => {
    const names = listed.split(' ').filter((name) => name !== '');
    assert.deepEqual(judgeList(names, past), verdict);
  });
}

const membership = (voters: string, learners = ''): Membership => {
  const members = (names: string) =>
    [...names].map((name) => ({ id: name, name, address: `${name}:1`, witness: name === 'w' }));
  return { voters: members(voters), learners: members(learners) };
};

const home = (names: string) => ({
  genesis: null,
  members: [...names].map((name) => ({ name, address: '', identity: null, witness: false })),
});

test('what is noted is read back; a damaged file is none', async (t) => {
  const path = join(await scratch(t), 'memberships.json');
  const kept = new Memberships(path, systemFiles);
  await kept.read();
  assert.deepEqual(kept.past, []);
  await Promise.all([
    kept.note(0, membership('abc')),
    kept.note(4, membership('abc', 'd')),
    // The promotion: the same names.
    kept.note(5, membership('abcd')),
  ]);
  const again = new Memberships(path, systemFiles);
  await again.read();
  assert.deepEqual(again.past, [
    { index: 0, members: ['a', 'b', 'c'] },
    { index: 4, members: ['a', 'b', 'c', 'd'] },
  ]);
  await writeFile(path, (await readFile(path, 'utf8')).slice(0, 40));
  assert.deepEqual(await readMemberships(path, systemFiles), []);
});

test('the log speaks for itself; the file adds what the log has forgotten', () => {
  const known = { past: [{ index: 0, members: ['a', 'b', 'c'] }] };
  const inForce = membership('abd', 'e');
  assert.equal(judgeOwnList(home('abde'), inForce, known), null);
  assert.match(judgeOwnList(home('abc'), inForce, known) ?? '', /^peer lists a, b, c, as it was/);
  for (const list of ['ab', 'a', 'abcd', 'abcde']) {
    assert.throws(() => judgeOwnList(home(list), inForce, known), { code: 'MEMBERS_DIFFER' }, list);
  }
});

test('away while others were admitted: the list is right and the log behind, so it may start and be told', () => {
  const known = { past: [{ index: 0, members: ['a', 'b', 'c'] }] };
  const said = judgeOwnList(home('bcd'), membership('abc'), known);
  assert.equal(
    said,
    'peer lists b, c, d; by the log of this replica the members are a, b, c, and it knows nothing of d. Admitted while this replica was away: the log catches up. Never admitted: a list admits nobody, cmkms cluster add does.',
  );
});

test('one that was just admitted: its log begins as the founders’ does, and its list is newer', () => {
  const known = {
    past: [
      { index: 0, members: ['a', 'b', 'c'] },
      { index: 9, members: ['a', 'b', 'c', 'd'] },
    ],
  };
  assert.equal(judgeOwnList(home('abcd'), membership('abc'), known), null);
});

test('a home of one role, admitted in the other', () => {
  const [, witness] = membership('aw').voters;
  refuseOtherRole({ name: 'w', witness: true }, witness);
  refuseOtherRole({ name: 'w', witness: false }, undefined);
  assert.throws(() => refuseOtherRole({ name: 'w', witness: false }, witness), {
    code: 'ROLE_DIFFERS',
    message:
      'the home of w is made for one that holds the key, the cluster admitted it as a witness.',
  });
});
