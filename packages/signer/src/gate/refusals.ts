/**
 * The words of a refusal: a code for the answer table, and what stands and what was asked, for the node's log.
 *
 * Owns    the one mapping from verdicts to codes.
 * Never   decides. It often is the only text that an operator of the node sees.
 */
import { unreachable } from '@cometkms/invariant';
import {
  type CanonicalMessage,
  describePosition,
  type Refused,
  type Reservation,
  readSignBytes,
} from '@cometkms/sign-state';
import type { RefusedRequest, WatermarkVerdict } from '../seams.js';

export function refusalOf(verdict: Refused, asked: CanonicalMessage): RefusedRequest {
  switch (verdict.kind) {
    case 'unregistered':
      return refused('UNREGISTERED', 'this chain is not registered with this key');
    case 'retired':
      return refused('RETIRED', 'this chain was retired: its key signs elsewhere now');
    case 'halted':
      return refused('HALTED', `nothing is signed from height ${verdict.haltHeight} on`);
    case 'regressed':
      return refused('REGRESSED', regression(verdict, asked));
    case 'conflict':
      return refused(
        'CONFLICT',
        `${describePosition(asked.hrs)} is reserved for ${standing(verdict.stored)}; asked for ${subject(asked)}`,
      );
    case 'leap':
      return refused(
        'LEAP',
        `asked ${describePosition(asked.hrs)}, more than ${verdict.maxHeightJump} heights above ${verdict.base}; if it is right: floor raise`,
      );
    case 'cutover':
      return refused(
        'CUTOVER',
        `asked ${describePosition(asked.hrs)}, more than ${verdict.cutoverWindow} heights above the import at ${verdict.base}: did the old signer run on? If it is stopped: floor raise`,
      );
    case 'malformed':
      return refused('MALFORMED', verdict.detail);
    default:
      return unreachable(verdict);
  }
}

/** The node would keep its own timestamp and find our signature wrong (CometBFT privval/signer_client.go). */
export function proposalRetimed(stored: Reservation): RefusedRequest {
  return refused(
    'PROPOSAL_RETIMED',
    `${describePosition(stored.hrs)} is reserved for ${standing(stored)} with another timestamp`,
  );
}

export function watermarkRefusal(
  verdict: Extract<WatermarkVerdict, { kind: 'refused' }>,
  asked: CanonicalMessage,
): RefusedRequest {
  const at = describePosition(verdict.at);
  return refused(
    'WATERMARK',
    verdict.reason === 'otherContent'
      ? `this replica meant to sign another content at ${at} before; asked for ${subject(asked)}`
      : `this replica's watermark stands at ${at}; asked ${describePosition(asked.hrs)}`,
  );
}

export function refused(code: RefusedRequest['code'], detail: string): RefusedRequest {
  return { kind: 'refused', code, detail };
}

function regression(
  { last, floor }: Extract<Refused, { kind: 'regressed' }>,
  asked: CanonicalMessage,
): string {
  const bar =
    floor !== null
      ? `the floor ${describePosition(floor)}`
      : `the last ${last === null ? '' : describePosition(last.hrs)}`;
  return `asked ${describePosition(asked.hrs)}, ${floor !== null ? 'at or ' : ''}below ${bar}`;
}

function standing(stored: Reservation): string {
  const when = new Date(stored.at);
  // A replica's wall clock may be anything; the words of a refusal must not fail over it.
  const text = Number.isNaN(when.getTime()) ? `${stored.at} ms` : when.toISOString();
  return `${subject(readSignBytes(stored.signBytes))} by ${stored.by} at ${text}`;
}

/** As a node's log shows a block: the first bytes of its hash. */
function subject({ blockId }: CanonicalMessage): string {
  if (blockId === null) return 'nil';
  const hash = Buffer.from(blockId.hash).toString('hex').toUpperCase();
  return hash === '' ? 'a block without a hash' : `block ${hash.slice(0, 12)}`;
}
