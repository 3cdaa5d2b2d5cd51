/**
 * What it means for this replica that a peer refuses it.
 *
 * Owns    which refusals end this process: those that say what another remembers and this disk does not show, that it
 *         was removed, and that what it waits to found was founded without it. All others may pass.
 * Never   asks for a second opinion: a member says these of what it has on its own disk, and a removal only once
 *         it is committed. Only that a voter's log is empty may come late (`emptyVoter`): of a hello that was said
 *         before this replica joined, and was read after it had become a voter. Its next hello shows its log.
 * Rule    docs/architecture.md, consensus 8; rules 9 and 42.
 * Proof   test/refusals.test.ts, test/node-identity.test.ts, test/node-membership.test.ts.
 */
import { ConsensusError } from './errors.js';
import type { Genesis } from './storage.js';
import type { LinkFault } from './transport.js';

export interface OwnLog {
  /** null: it has no log. */
  readonly genesis: Genesis | null;
  /** It has no log yet, and is to found a cluster, not to join one. */
  readonly isToFound: boolean;
}

/** @returns why this process must end, or null */
export function endBy(
  peer: string,
  fault: LinkFault,
  { genesis, isToFound }: OwnLog,
): ConsensusError | null {
  if (fault.kind !== 'refusedByPeer' || fault.refusal === undefined) return null;
  const { code, detail } = fault.refusal;
  switch (code) {
    case 'removed':
      return new ConsensusError('CONSENSUS_REMOVED', { peer, detail });
    case 'foundedWithout':
      // Who is to join is not known there before it is admitted, and waits.
      return isToFound ? new ConsensusError('CONSENSUS_FOUNDED_WITHOUT', { peer, detail }) : null;
    case 'nameDiffers':
      // A founded member knows another identity by this name: this one joined before. Who is to join may take
      // over the name of the member whose place it takes, and waits until that one is out.
      if (!isToFound) return null;
      break;
    case 'rolledBack':
    case 'cloned':
    case 'wiped':
      break;
    case 'emptyVoter':
      if (genesis !== null) return null;
      break;
    default:
      return null;
  }
  return new ConsensusError('CONSENSUS_DISK_DOUBTED', { peer, code, detail });
}
