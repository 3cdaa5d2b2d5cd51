/** What the registrar's news become: chains and keys are named, also those that are configured elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, systemClock } from '@cometkms/signer';
import { newRegistrarNews } from '../src/replica/registrar-reports.js';
import { LAST_ROUND } from '../src/status.js';
import { Logged } from './cluster.js';
import { keyOf } from './scratch-homes.js';

const key = keyOf(2).publicKey;
const id = { chainId: 'elsewhere-1', key };

test('a chain that waits is named with its key, wherever it is configured', () => {
  const logged = new Logged();
  const missing = [{ name: 'b', why: 'unreachable' as const }];
  newRegistrarNews(logged.log, systemClock)({ kind: 'waiting', id, missing });
  const [said] = logged.all('registration_wait');
  assert.deepEqual([said?.chain, said?.key], ['elsewhere-1', addressOf(key)]);
  assert.equal(said?.waiting_for, 'b (not reachable)');
});

test('who is waited for, and how the waiting ends, for one that is down and one without the chain', () => {
  const logged = new Logged();
  const missing = [
    { name: 'b', why: 'unreachable' },
    { name: 'c', why: 'notConfigured' },
  ] as const;
  newRegistrarNews(logged.log, systemClock)({ kind: 'waiting', id, missing });
  const [said] = logged.all('registration_wait');
  assert.equal(said?.waiting_for, 'b (not reachable), c (chain not configured there)');
  assert.match(said?.fix ?? '', /^start b; .*cmkms cluster remove b; add the chain .* of c,/);
});

test('a floor over a whole height is said as one', () => {
  const logged = new Logged();
  const tell = newRegistrarNews(logged.log, systemClock);
  for (const round of [LAST_ROUND, 7]) {
    tell({ kind: 'raised', id, floor: { height: 9n, round, step: 3 }, from: 'b' });
  }
  const said = logged.all('floor_raised').map(({ floor }) => floor);
  assert.deepEqual(said, ['height 9, all of it', '9/7/3']);
});

test('a file with other bytes is told once a minute, however often it is looked at', () => {
  const logged = new Logged();
  let nowMs = 0;
  const tell = newRegistrarNews(logged.log, { ...systemClock, nowMs: () => nowMs });
  const alarm = { kind: 'alarm', id, from: 'b', hrs: { height: 9n, round: 0, step: 3 } } as const;
  tell(alarm);
  tell(alarm);
  tell({ ...alarm, from: 'c' });
  assert.equal(logged.all('config_note').length, 2);
  nowMs = 61_000;
  tell(alarm);
  assert.equal(logged.all('config_note').length, 3);
});
