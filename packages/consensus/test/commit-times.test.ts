/** The times of a proposal on its way: what is seen when, and when nothing is said of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommitTimes } from '../src/commit-times.js';
import type { Core } from '../src/core/index.js';

/** As much of a leader as is looked at. */
const leader = (durableIndex: number, ...matches: readonly number[]): Core =>
  ({
    role: { kind: 'leader', peers: new Map(matches.map((match, i) => [`${i}`, { match }])) },
    durability: { durableIndex },
  }) as unknown as Core;

test('own disk and the first follower, each when it was first seen', () => {
  const times = new CommitTimes();
  times.begun(7, 100);
  times.proposed(7, 101);
  times.follow(leader(6, 6, 6), 102);
  times.follow(leader(7, 6, 6), 103);
  times.follow(leader(7, 6, 7), 105);
  times.follow(leader(9, 9, 9), 110);
  assert.deepEqual(times.applied(7, 111), { propose: 1, ownSync: 3, followerSync: 5, apply: 11 });
  assert.equal(times.applied(7, 112), null);
});

test('a slow own disk is not waited for, nor told of', () => {
  const times = new CommitTimes();
  times.begun(7, 100);
  times.follow(leader(6, 7, 7), 104);
  assert.deepEqual(times.applied(7, 104), {
    ...{ propose: 0, ownSync: null, followerSync: 4, apply: 4 },
  });
});

test('what a leadership left undecided is forgotten with it', () => {
  const times = new CommitTimes();
  times.begun(7, 100);
  times.follow({ role: { kind: 'follower' } } as unknown as Core, 101);
  assert.equal(times.applied(7, 102), null);
});
