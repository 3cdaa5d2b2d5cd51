/**
 * The verdict on one request to sign, given what this (key, chain) has reserved so far.
 *
 * Owns    the verdicts of docs/architecture.md, the road of a signature, and the order in which they are tried.
 * Never   reads a clock, a configuration or a file, awaits, changes its arguments, or asks who leads.
 * Rule    CometBFT privval/file.go, `CheckHRS`, `SignVote`, `SignProposal`; stricter in floor, halt, leap, cutover.
 * Proof   test/decide.test.ts (each verdict, each boundary), test/history.property.test.ts (any history).
 */
import { invariant } from '@cometkms/invariant';
import { readSignBytesOf } from './canonical.js';
import { SignStateError } from './errors.js';
import { compareHrs, comparePosition } from './hrs.js';
import { sameId } from './identity.js';
import type {
  Allowed,
  Position,
  Refused,
  Reservation,
  Reserve,
  SigningRecord,
  Verdict,
} from './types.js';
import { copyBytes, sameBytes } from './wire.js';

/** How high a key that never signed may begin: above any real chain, below what would wedge it for ever. */
export const FIRST_HEIGHT_LIMIT = 1_000_000_000n;

/**
 * @param record  undefined: this (key, chain) was never registered
 * @returns the first verdict that applies, in this order: unregistered, malformed, retired, halted, at or
 *   below the floor; below the last: regressed; at it: repeated, retimed, conflict; above it: leap, cutover,
 *   granted. `malformed` comes before any judgement of the position, since the command's word for its
 *   position is worth nothing if its bytes say another one; nothing is ever recorded for it.
 */
export function decide(record: SigningRecord | undefined, asked: Reserve): Verdict {
  if (record === undefined) return { kind: 'unregistered' };
  invariant(
    sameId(record.id, asked.id),
    'a request is judged by the record of its own key and chain',
  );
  const content = contentOrFault(asked);
  if (!(content instanceof Uint8Array)) return content;

  const { last, floor, haltHeight } = record;
  if (record.retired) return { kind: 'retired' };
  // Also a repeat: from the halt height on, nothing is signed at all.
  if (haltHeight !== null && asked.hrs.height >= haltHeight) return { kind: 'halted', haltHeight };
  // The floor is inclusive, and comes before `last`: raised to it, the floor ends its repeats too.
  if (floor !== null && comparePosition(asked.hrs, floor) <= 0) {
    return { kind: 'regressed', last: null, floor };
  }
  if (last === null) return above(record, asked);
  const order = compareHrs(asked.hrs, last.hrs);
  if (order < 0) return { kind: 'regressed', last, floor: null };
  if (order === 0) return again(last, asked, content);
  return above(record, asked);
}

function contentOrFault(asked: Reserve): Uint8Array | Refused {
  try {
    return readSignBytesOf(asked.signBytes, asked.id.chainId, asked.hrs).content;
  } catch (error) {
    if (!(error instanceof SignStateError)) throw error;
    return { kind: 'malformed', detail: error.message };
  }
}

/** At the last reservation's own place: only what it was made for, and only its own bytes. */
function again(stored: Reservation, asked: Reserve, content: Uint8Array): Verdict {
  const { signBytes } = stored;
  if (sameBytes(signBytes, asked.signBytes)) return { kind: 'repeated', signBytes, stored };
  // Nil is a content like any other, so nil against a block ends here as a conflict.
  const storedContent = readSignBytesOf(signBytes, asked.id.chainId, stored.hrs).content;
  // The *stored* bytes: a second signature over another timestamp is what peers would call two votes.
  if (sameBytes(storedContent, content)) return { kind: 'retimed', signBytes, stored };
  return { kind: 'conflict', stored };
}

function above(record: SigningRecord, asked: Reserve): Allowed | Refused {
  const { height } = asked.hrs;
  const { base, maxHeightJump } = reach(record);
  if (height > base + maxHeightJump) return { kind: 'leap', base, maxHeightJump };
  if (record.cutoverArmed) {
    // A grant ends the guard, and so does an operator's floor at or above the import. So the highest position
    // is the import, or the floor of a state file that was found ahead of it: the highest place where the old
    // signer is known to have signed. What it may have signed unseen lies above that.
    const known = highestPosition(record)?.height ?? 0n;
    const { cutoverWindow } = record.limits;
    const beyond = height > known + cutoverWindow;
    if (beyond) return { kind: 'cutover', base: known, cutoverWindow };
  }
  // Copied, since this becomes the record: the caller may reuse its buffer.
  const signBytes = copyBytes(asked.signBytes);
  const stored = { hrs: { ...asked.hrs }, signBytes, by: asked.by, at: asked.at };
  return { kind: 'granted', signBytes, stored };
}

/** How far up a grant may lie: the first of a key that never signed has no past to be measured from. */
function reach(record: SigningRecord): { base: bigint; maxHeightJump: bigint } {
  const base = highestPosition(record)?.height ?? 0n;
  const { maxHeightJump } = record.limits;
  const first = record.neverSigned && record.last === null;
  // A floor raised near or above the limit must still leave room above it, or the key could never sign.
  return first && base + maxHeightJump < FIRST_HEIGHT_LIMIT
    ? { base: 0n, maxHeightJump: FIRST_HEIGHT_LIMIT }
    : { base, maxHeightJump };
}

/** The higher of last and floor: nothing new is signed at or below it. Null: nothing is known. */
export function highestPosition(record: SigningRecord): Position | null {
  const last = record.last?.hrs ?? null;
  if (last === null) return record.floor;
  if (record.floor === null) return last;
  return comparePosition(last, record.floor) < 0 ? record.floor : last;
}
