/**
 * The outcome label of each answer that a gate can give.
 *
 * Owns    the table.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NotNow, RefusedRequest, Released } from '@cometkms/signer';
import { outcomeOf } from '../src/metrics/index.js';

const released = (verdict: Released['verdict']): Released => ({
  kind: 'released',
  verdict,
  signBytes: new Uint8Array(),
  signature: new Uint8Array(),
  extensionSignature: null,
  proof: { term: 1, index: 1, commitMs: 1 },
  stages: { queue: 0, commit: 1, watermark: 1, sign: 1, verify: 1, total: 2 },
});
const refused = (code: RefusedRequest['code']): RefusedRequest => ({
  kind: 'refused',
  code,
  detail: '',
});
const notNow = (reason: NotNow['reason'], leader: string | null): NotNow => ({
  kind: 'notNow',
  reason,
  leader,
});

const rows = [
  [released('granted'), 'granted'],
  [released('repeated'), 'repeated'],
  [released('retimed'), 'retimed'],
  [refused('CONFLICT'), 'conflict'],
  [refused('REGRESSED'), 'regressed'],
  [refused('HALTED'), 'halted'],
  [refused('LEAP'), 'leap'],
  [refused('CUTOVER'), 'cutover'],
  [refused('RETIRED'), 'retired'],
  [refused('UNREGISTERED'), 'unregistered'],
  [refused('MALFORMED'), 'invalid'],
  [refused('PROPOSAL_RETIMED'), 'retimed'],
  [refused('WATERMARK'), 'watermark'],
  [refused('BACKEND'), 'backend_error'],
  [notNow('notLeader', 'kms-b'), 'not_leader'],
  [notNow('notLeader', null), 'no_quorum'],
  [notNow('unknown', 'kms-b'), 'timeout'],
  [notNow('timeout', null), 'timeout'],
] as const;

for (const [answer, outcome] of rows) {
  test(`${JSON.stringify(answer).slice(0, 60)} counts as ${outcome}`, () => {
    assert.equal(outcomeOf(answer), outcome);
  });
}
