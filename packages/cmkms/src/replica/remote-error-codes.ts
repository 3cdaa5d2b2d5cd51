/**
 * The numbers that a refusal carries into a node's log.
 *
 * Owns    them. A number keeps its meaning for ever.
 * Never   decides which refusal is given: answers.ts does.
 */
import type { RefusedRequest } from '@cometkms/signer';

/** A node never looks at the number; people and other tools may. Numbers keep their meaning. */
export const remoteErrorCodes = {
  MALFORMED: 1,
  CONFLICT: 2,
  REGRESSED: 3,
  HALTED: 4,
  LEAP: 5,
  CUTOVER: 6,
  RETIRED: 7,
  UNREGISTERED: 8,
  PROPOSAL_RETIMED: 9,
  WATERMARK: 10,
  BACKEND: 11,
  NO_QUORUM: 12,
} as const satisfies Record<RefusedRequest['code'] | 'NO_QUORUM', number>;
