/**
 * Our own stalls: times when this process did not run when it had asked to.
 *
 * Owns    noticing them, the grace that follows, and how far they raise the election timeout.
 * Never   concludes anything about peers: while we stood still, their words lay unread.
 * Rule    docs/architecture.md, 4.5: a late wake proves nothing about peers.
 * Proof   test/core-stall.test.ts; the paused leader in test/core-stories.test.ts.
 */
import type { Core } from './core.js';
import type { Millis } from './types.js';

export interface Stalls {
  readonly count: number;
  readonly lastMs: number;
  readonly longestMs: number;
  readonly lastAt: Millis;
  /** How much the last ones raise the election timeout, while they are remembered. */
  readonly raiseMs: number;
}

export const noStalls: Stalls = {
  count: 0,
  lastMs: 0,
  longestMs: 0,
  lastAt: Number.NEGATIVE_INFINITY,
  raiseMs: 0,
};

/** A stall is remembered this long after it happened. */
const rememberedMs = 60_000;
/**
 * However long we stood still, the timeout at most quadruples: a freeze must not cost minutes
 * later.
 */
const raiseInTimeouts = 3;

/** The election timeout with what measured stalls add to it. */
export function electionTimeoutInForceMs(core: Core, now: Millis): number {
  const { raiseMs, lastAt } = core.stalls;
  return core.config.electionTimeoutMs + (now - lastAt < rememberedMs ? raiseMs : 0);
}

/**
 * To be asked first, at every input and with a fresh `now`. A wake more than half an election
 * timeout past its deadline means that we stood still: nobody is deposed or opposed for that before
 * a grace of the same length, in which what they said meanwhile, or say now, is heard.
 */
export function noticeStall(core: Core, now: Millis): void {
  const graceMs = core.config.electionTimeoutMs / 2;
  const lateMs = now - core.wakeAt;
  if (lateMs <= graceMs) return;
  const remembered = now - core.stalls.lastAt < rememberedMs ? core.stalls.raiseMs : 0;
  const limitMs = core.config.electionTimeoutMs * raiseInTimeouts;
  core.stalls = {
    count: core.stalls.count + 1,
    lastMs: lateMs,
    longestMs: Math.max(core.stalls.longestMs, lateMs),
    lastAt: now,
    raiseMs: Math.min(Math.max(remembered, lateMs), limitMs),
  };
  core.wakeAt = now;
  core.electionDeadline = Math.max(core.electionDeadline, now + graceMs);
  if (core.role.kind === 'leader') core.role.graceUntil = now + graceMs;
}
