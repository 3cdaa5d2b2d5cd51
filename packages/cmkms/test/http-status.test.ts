/**
 * The body of /status.
 *
 * Owns    the four keys of the Go program at the top level, int64 as strings in ours, and what is absent.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusJson } from '../src/http/index.js';
import { alone, healthy, hub, judged, osmosis } from './example-status.js';

test('the Go program’s four keys come first, and with one chain its last_sign_state', () => {
  const body = statusJson({ ...healthy, chains: [hub] }, judged(healthy));
  assert.deepEqual(Object.keys(body).slice(0, 4), [
    'is_leader',
    'leader_id',
    'leader_addr',
    'last_sign_state',
  ]);
  assert.deepEqual(
    [body.is_leader, body.leader_id, body.leader_addr],
    [true, 'kms-a', '10.0.0.10:9430'],
  );
  assert.deepEqual(body.last_sign_state, {
    height: 21_345_678,
    round: 0,
    step: 3,
    signbytes: '7C08',
  });
});

test('with two chains, or nothing signed yet, there is no single last_sign_state', () => {
  assert.ok(!('last_sign_state' in statusJson(healthy, judged(healthy))));
  const fresh = { ...healthy, chains: [{ ...hub, last: null }] };
  assert.ok(!('last_sign_state' in statusJson(fresh, judged(fresh))));
});

test('heights in our keys are strings: an int64 survives', () => {
  const [, second] = statusJson(healthy, judged(healthy)).chains;
  assert.deepEqual(second?.last_sign_state, {
    height: '9223372036854775807',
    round: 2,
    step: 1,
  });
});

test('a leader without a lease is not the leader', () => {
  const consensus = healthy.consensus && { ...healthy.consensus, leaseMs: null };
  assert.equal(statusJson({ ...healthy, consensus }, judged(healthy)).is_leader, false);
});

test('without a quorum it says so', () => {
  const body = statusJson(alone, judged(alone));
  assert.deepEqual(
    [body.is_leader, body.leader_id, body.ready, body.fault_tolerance, body.reasons[0]?.code],
    [false, '', false, 0, 'NO_QUORUM'],
  );
});

test('before there is a membership every key is there, and empty', () => {
  const status = { ...healthy, phase: { kind: 'starting' } as const, consensus: null, log: null };
  const body = statusJson(status, judged(status));
  assert.deepEqual(
    Object.keys(body).filter((name) => name !== 'last_sign_state'),
    Object.keys(statusJson(healthy, judged(healthy))),
  );
  assert.deepEqual([body.term, body.commit_index, body.replicas], [null, null, []]);
});

test('nothing in it is a signature', () => {
  const names = JSON.stringify(statusJson({ ...healthy, chains: [hub, osmosis] }, judged(healthy)));
  assert.doesNotMatch(names, /"signature"/);
});
