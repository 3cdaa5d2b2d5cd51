/**
 * What canonical sign bytes say, read by the simulator's own few lines.
 *
 * Owns    the position and the content (all fields but the timestamp) of what was signed or asked.
 * Never   uses the reader of the code under test: an oracle that reads by it is blind to its faults.
 * Rule    CometBFT types/canonical.go: field 1 is the type, 2 the height, 3 the round; the timestamp is field 5 of a
 *         vote and field 6 of a proposal.
 */
import type { Hrs, Step } from '@cometkms/sign-state';

export interface SignedBytes {
  readonly hrs: Hrs;
  /** Hex. */
  readonly content: string;
  /** The timestamp's field as it stands. Hex. */
  readonly time: string;
}

const stepOf = new Map<bigint, Step>([
  [32n, 1],
  [1n, 2],
  [2n, 3],
]);

/** @returns null for what no vote or proposal says */
export function readSigned(bytes: Uint8Array): SignedBytes | null {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = varintAt(all, 0);
  if (length === null || length.end + Number(length.value) !== all.length) return null;
  const body = all.subarray(length.end);
  const type = body[0] === 0x08 ? varintAt(body, 1) : null;
  const step = stepOf.get(type?.value ?? 0n);
  if (step === undefined) return null;
  const timeField = step === 1 ? 6 : 5;
  let [height, round] = [0n, 0];
  let time = '';
  const kept: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = endOfField(body, at);
    if (end === null) return null;
    const field = (body[at] ?? 0) >> 3;
    if (field === 2) height = body.readBigInt64LE(at + 1);
    if (field === 3) round = Number(body.readBigInt64LE(at + 1));
    if (field === timeField) time += body.toString('hex', at, end);
    else kept.push(body.subarray(at, end));
    at = end;
  }
  return { hrs: { height, round, step }, content: Buffer.concat(kept).toString('hex'), time };
}

function endOfField(body: Buffer, at: number): number | null {
  const wire = (body[at] ?? 0) & 7;
  if (wire === 0) return varintAt(body, at + 1)?.end ?? null;
  if (wire === 1) return at + 9 <= body.length ? at + 9 : null;
  if (wire !== 2) return null;
  const length = varintAt(body, at + 1);
  const end = length === null ? null : length.end + Number(length.value);
  return end !== null && end <= body.length ? end : null;
}

function varintAt(bytes: Buffer, start: number): { value: bigint; end: number } | null {
  let value = 0n;
  for (let i = 0; i < 10; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) return null;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  return null;
}
