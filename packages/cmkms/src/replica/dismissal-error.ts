/**
 * Why a replica that was dismissed must stop, in its operator's words.
 *
 * Owns    which error each reason becomes.
 */
import type { Position } from '@cometkms/sign-state';
import type { CheckedChain } from '../check-home.js';
import { CmkmsError } from '../errors.js';
import type { Dismissal } from './message.js';

const text = ({ height, round, step }: Position): string => `${height}/${round}/${step}`;

export function dismissalError(chain: CheckedChain, reason: Dismissal['reason']): CmkmsError {
  const { id: chainId, statePath: path } = chain.settings;
  switch (reason.kind) {
    case 'allSilent':
      return new CmkmsError('STATE_MISSING', { chainId, path });
    case 'contradiction':
      return new CmkmsError('STATE_CONTRADICTS', {
        chainId,
        given: `to ${reason.between?.neverSigned ?? 'one replica'}`,
        file: `the state file of ${reason.between?.holder ?? 'another'}`,
        position: reason.between === null ? 'a height above 0' : text(reason.between.position),
      });
    case 'ahead': {
      const own = chain.state?.position ?? { height: 0n, round: 0, step: 0 };
      const heights = (own.height - reason.cluster.height).toString();
      const log = text(reason.cluster);
      return new CmkmsError('STATE_AHEAD', { chainId, path, file: text(own), log, heights });
    }
  }
}
