/**
 * What recovery makes of a damaged log, measured against every state that the log was ever in.
 *
 * Owns    the claim of the fuzz tests: recovery refuses, or gives exactly what was written up to some call, and no
 *         less than was acknowledged.
 */
import assert from 'node:assert/strict';
import { ConsensusError } from '../src/errors.js';
import type { RecoveredStorage } from '../src/storage.js';
import type { SegmentBytes } from '../src/wal/scan.js';
import { recovered } from './log-samples.js';

type State = Omit<RecoveredStorage, 'cutBytes'>;

/** Entries are bytes of kilobytes in some: told apart by base64, which is quick. */
function essenceOf({ genesis, hard, snapshot, entries, boot, marks }: State): string {
  return JSON.stringify({ genesis, hard, snapshot, entries, boot, marks }, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  );
}

/** @param states  after 0, 1, 2 … calls */
export function judge(
  states: readonly State[],
): (segments: readonly SegmentBytes[], acknowledged: number, noted?: number) => number | null {
  const essences = states.map(essenceOf);
  /** How many calls are in what was recovered; null where recovery refused. */
  return (segments, acknowledged, noted = acknowledged) => {
    let found: State;
    try {
      found = recovered(segments, noted);
    } catch (error) {
      assert.ok(error instanceof ConsensusError, String(error));
      return null;
    }
    const calls = essences.indexOf(essenceOf(found));
    assert.ok(calls >= 0, `a state that never was: ${JSON.stringify(found)}`);
    assert.ok(calls >= acknowledged, `call ${acknowledged} was acknowledged, ${calls} recovered`);
    return calls;
  };
}

/** Calls `look` with each single bit of [from, to) flipped. */
export function flippingEach(
  bytes: Buffer,
  from: number,
  to: number,
  look: (bit: number) => void,
): void {
  for (let at = from; at < to; at += 1) {
    const good = bytes[at] ?? 0;
    for (let bit = 0; bit < 8; bit += 1) {
      bytes[at] = good ^ (1 << bit);
      look(at * 8 + bit);
    }
    bytes[at] = good;
  }
}
