/**
 * What ends a replica, in this program's own words where it knows a remedy that consensus does not.
 *
 * Owns    that translation.
 * Never   makes an error less final.
 */
import { ConsensusError } from '@cometkms/consensus';
import { CmkmsError } from '../errors.js';

export function inOwnWords(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!(error instanceof ConsensusError)) return error;
  const facts = error.facts as { readonly peer: string; readonly detail: string };
  switch (error.code) {
    case 'CONSENSUS_DISK_DOUBTED':
      return new CmkmsError('DISK_DOUBTED', facts, { cause: error });
    case 'CONSENSUS_REMOVED':
      return new CmkmsError('REMOVED', facts, { cause: error });
    default:
      return error;
  }
}
