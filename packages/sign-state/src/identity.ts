/**
 * Which record is meant: chain id, key type and key bytes, together.
 *
 * Owns    the equality and the order of record ids.
 * Never   takes one key for another because their chain is the same, or the other way round.
 * Proof   test/state.test.ts.
 */
import type { RecordId } from './types.js';
import { copyBytes, sameBytes } from './wire.js';

export function sameId(a: RecordId, b: RecordId): boolean {
  return (
    a.chainId === b.chainId && a.key.type === b.key.type && sameBytes(a.key.bytes, b.key.bytes)
  );
}

/** One string per id, for maps and for sorting: JSON keeps the parts apart whatever is in them. */
export function idKey(id: RecordId): string {
  return JSON.stringify([id.chainId, id.key.type, Buffer.from(id.key.bytes).toString('hex')]);
}

/** A copy that shares no memory, for what is kept. */
export function copyId(id: RecordId): RecordId {
  return { chainId: id.chainId, key: { type: id.key.type, bytes: copyBytes(id.key.bytes) } };
}
