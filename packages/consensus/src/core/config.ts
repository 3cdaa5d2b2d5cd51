/**
 * The core's settings, checked once.
 *
 * Owns    the relations between the timers; a core cannot be made from settings that break them.
 * Never   reads a file or an environment, or supplies a default: that is the program's.
 * Proof   test/core-config.test.ts (each row).
 */
import type { CoreConfig } from './types.js';

declare const checked: unique symbol;
/** Only `checkCoreConfig` makes one. Frozen. */
export type CheckedCoreConfig = CoreConfig & { readonly [checked]: true };

/** What an operator wrote that cannot work; a value, because we did nothing wrong. */
export type CoreConfigFault =
  | { readonly kind: 'selfMissing' }
  | { readonly kind: 'notPositive'; readonly field: keyof CoreConfig; readonly value: number }
  | { readonly kind: 'notWhole'; readonly field: keyof CoreConfig; readonly value: number }
  | {
      readonly kind: 'electionTimeoutTooShort';
      readonly electionTimeoutMs: number;
      readonly atLeastMs: number;
    }
  | { readonly kind: 'leaseTooLong'; readonly leaseMs: number; readonly belowMs: number };

export type CoreConfigVerdict =
  | { readonly ok: true; readonly config: CheckedCoreConfig }
  | { readonly ok: false; readonly fault: CoreConfigFault };

/** Three heartbeats may be lost in a row before a follower doubts its leader. */
const heartbeatsPerElectionTimeout = 4;

const times = ['heartbeatIntervalMs', 'electionTimeoutMs', 'leaseMs'] as const;
const bounds = ['maxInflightAppends', 'maxAppendBytes', 'maxUncommittedBytes'] as const;

export function checkCoreConfig(config: CoreConfig): CoreConfigVerdict {
  const fault = findFault(config);
  if (fault !== null) return { ok: false, fault };
  return { ok: true, config: Object.freeze({ ...config }) as CheckedCoreConfig };
}

function findFault(config: CoreConfig): CoreConfigFault | null {
  if (config.self === '') return { kind: 'selfMissing' };
  for (const field of [...times, ...bounds]) {
    const value = config[field];
    if (!Number.isFinite(value) || value <= 0) return { kind: 'notPositive', field, value };
  }
  for (const field of [...bounds, 'seed'] as const) {
    const value = config[field];
    if (!Number.isSafeInteger(value)) return { kind: 'notWhole', field, value };
  }
  const { electionTimeoutMs, leaseMs } = config;
  const atLeastMs = config.heartbeatIntervalMs * heartbeatsPerElectionTimeout;
  if (electionTimeoutMs < atLeastMs) {
    return { kind: 'electionTimeoutTooShort', electionTimeoutMs, atLeastMs };
  }
  // A lease that outlives stickiness would let a successor be chosen while it still runs (rule 36).
  if (leaseMs >= electionTimeoutMs) {
    return { kind: 'leaseTooLong', leaseMs, belowMs: electionTimeoutMs };
  }
  return null;
}
