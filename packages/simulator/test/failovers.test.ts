/** The gap that a death of the serving replica leaves, as the report counts it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failovers } from '../src/failovers.js';
import type { Member } from '../src/member.js';

const member = (serves: boolean): Member =>
  ({
    replica: { process: { replica: { node: { mayServe: () => serves } } } },
  }) as unknown as Member;

test('from the death of the one that served until one serves', () => {
  const failovers = new Failovers();
  failovers.striking(member(true), 100);
  failovers.looked([member(false), member(false)], 110);
  failovers.looked([member(false), member(true)], 130);
  failovers.looked([member(false), member(true)], 150);
  assert.deepEqual(failovers.gapsMs, [30]);
});

test('a replica that did not serve leaves none', () => {
  const failovers = new Failovers();
  failovers.striking(member(false), 100);
  failovers.looked([member(true)], 110);
  assert.deepEqual(failovers.gapsMs, []);
});
