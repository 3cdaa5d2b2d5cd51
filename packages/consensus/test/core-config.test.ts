/**
 * The core's settings.
 *
 * Owns    one row per way in which they cannot work; the fault names the field and its value.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CoreConfig, type CoreConfigFault, checkCoreConfig } from '../src/core/index.js';

const good: CoreConfig = {
  self: 'a',
  heartbeatIntervalMs: 25,
  electionTimeoutMs: 120,
  leaseMs: 100,
  seed: 0,
  maxInflightAppends: 64,
  maxAppendBytes: 1 << 20,
  maxUncommittedBytes: 1 << 24,
};

const rows: readonly (readonly [
  why: string,
  change: Partial<CoreConfig>,
  fault: CoreConfigFault,
])[] = [
  ['nobody', { self: '' }, { kind: 'selfMissing' }],
  [
    'no heartbeat',
    { heartbeatIntervalMs: 0 },
    { kind: 'notPositive', field: 'heartbeatIntervalMs', value: 0 },
  ],
  [
    'an endless timeout',
    { electionTimeoutMs: Number.POSITIVE_INFINITY },
    { kind: 'notPositive', field: 'electionTimeoutMs', value: Number.POSITIVE_INFINITY },
  ],
  [
    'half an append',
    { maxInflightAppends: 1.5 },
    { kind: 'notWhole', field: 'maxInflightAppends', value: 1.5 },
  ],
  ['a seed between numbers', { seed: 0.5 }, { kind: 'notWhole', field: 'seed', value: 0.5 }],
  [
    'three heartbeats to a timeout: two lost ones would start an election',
    { heartbeatIntervalMs: 31 },
    { kind: 'electionTimeoutTooShort', electionTimeoutMs: 120, atLeastMs: 124 },
  ],
  [
    'a lease as long as the timeout would outlive stickiness',
    { leaseMs: 120 },
    { kind: 'leaseTooLong', leaseMs: 120, belowMs: 120 },
  ],
];

for (const [why, change, fault] of rows) {
  test(`refused: ${why}`, () => {
    assert.deepEqual(checkCoreConfig({ ...good, ...change }), { ok: false, fault });
  });
}

test('four heartbeats to a timeout are enough, and a checked config can no longer change', () => {
  const verdict = checkCoreConfig({ ...good, heartbeatIntervalMs: 30 });
  assert.ok(verdict.ok);
  assert.equal(verdict.config.heartbeatIntervalMs, 30);
  assert.throws(() => Object.assign(verdict.config, { leaseMs: 1000 }), TypeError);
});
