/**
 * Step 1 of the road of a signature: may this request be proposed at all?
 *
 * Owns    reading the request, and the early refusals.
 * Never   permits. What passes here has only not been refused: the log decides (docs/architecture.md, the promise).
 * Proof   test/gate-judge.test.ts
 */
import {
  type CanonicalMessage,
  decide,
  describePosition,
  extensionSignBytes,
  type Reserve,
  readSignBytes,
  SignStateError,
} from '@cometkms/sign-state';
import type { RefusedRequest } from '../seams.js';
import type { Input } from './events.js';
import { proposalRetimed, refusalOf, refused } from './refusals.js';

type Request = Extract<Input, { kind: 'request' }>;

export type Judgement =
  | { readonly kind: 'refused'; readonly refusal: RefusedRequest }
  | {
      readonly kind: 'propose';
      readonly message: CanonicalMessage;
      /** What the verdict will carry, if nothing happens in between. Only a guess, for the early signature. */
      readonly expected: Uint8Array;
    };

/** What the request's bytes say, or why they are none that we sign. */
export function readRequest(request: Request): CanonicalMessage | RefusedRequest {
  const message = readAs(request.asked, request.asked.signBytes);
  if (typeof message === 'string') return refused('MALFORMED', message);
  const fault = extensionFault(request, message);
  return fault === null ? message : refused('MALFORMED', fault);
}

/** @returns what the bytes say; or, as text, why they are not of the chain and position that was asked for */
export function readAs({ id, hrs }: Reserve, signBytes: Uint8Array): CanonicalMessage | string {
  let message: CanonicalMessage;
  try {
    message = readSignBytes(signBytes);
  } catch (error) {
    if (!(error instanceof SignStateError)) throw error;
    return error.message;
  }
  if (message.chainId !== id.chainId) return 'the bytes say another chain';
  const said = describePosition(message.hrs);
  return said === describePosition(hrs) ? message : `the bytes say ${said}`;
}

/**
 * Judged by applied state, before anything is proposed or marked: a request that the log would refuse must not raise
 * the watermark (a poisoned height would wedge this replica).
 *
 * Applied state may be behind the log. `regressed`, `conflict`, `retired`, `malformed` and a retimed proposal stay
 * true however the log went on, since records only go up. `unregistered`, `halted`, `leap` and `cutover` may have
 * been lifted by a command that is committed but not yet applied here. A leader that holds its lease has applied
 * whatever anybody was told is done, so only one that is deposed without knowing it can refuse wrongly. That costs
 * one vote and never a signature; to drop the link instead would freeze a node that stands at its halt height.
 */
export function judge({ asked, record }: Request, message: CanonicalMessage): Judgement {
  const verdict = decide(record, asked);
  switch (verdict.kind) {
    case 'granted':
    case 'repeated':
      return { kind: 'propose', message, expected: verdict.signBytes };
    case 'retimed':
      return asked.hrs.step === 1
        ? { kind: 'refused', refusal: proposalRetimed(verdict.stored) }
        : { kind: 'propose', message, expected: verdict.signBytes };
    default:
      return { kind: 'refused', refusal: refusalOf(verdict, message) };
  }
}

/**
 * The extension's bytes must be an extension of this very vote. Anything else handed in their place would be signed
 * without any verdict, and the bytes of a vote are only a few bytes away.
 */
function extensionFault(
  { asked, extensionSignBytes: bytes }: Request,
  message: CanonicalMessage,
): string | null {
  if (bytes === null) return null;
  if (asked.hrs.step !== 3 || message.blockId === null) {
    return 'an extension belongs to a precommit for a block';
  }
  const { height, round } = asked.hrs;
  const written = extensionSignBytes(asked.id.chainId, height, round, extensionIn(bytes));
  return Buffer.from(written).equals(bytes) ? null : 'these are no sign bytes of its extension';
}

/** Field 1 of CanonicalVoteExtension, as far as one is there. Writing it anew shows whether the guess was right. */
function extensionIn(bytes: Uint8Array): Uint8Array {
  const body = varintAt(bytes, 0);
  if (bytes[body.end] !== 0x0a) return new Uint8Array(0);
  const { value, end } = varintAt(bytes, body.end + 1);
  return bytes.subarray(end, end + value);
}

/** Lengths below 2^28 only; a longer one cannot be written anew and is refused by that. */
function varintAt(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[start + i] ?? 0;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  return { value, end: start + 4 };
}
