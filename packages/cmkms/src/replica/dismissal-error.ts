/**
 * Why a replica that was dismissed must stop, in its operator's words.
 *
 * Owns    which error each reason becomes.
 */
import type { CheckedChain } from '../check-home.js';
import { CmkmsError } from '../errors.js';
import type { Dismissal } from './message.js';

export function dismissalError(chain: CheckedChain, reason: Dismissal['reason']): CmkmsError {
  const { id: chainId, statePath: path } = chain.settings;
  const own = chain.state?.position ?? { height: 0n, round: 0, step: 0 };
  const file = `${own.height}/${own.round}/${own.step}`;
  switch (reason.kind) {
    case 'allSilent':
      return new CmkmsError('STATE_MISSING', { chainId, path });
    case 'contradiction':
      return new CmkmsError('STATE_CONTRADICTS', { chainId, path, position: file });
    case 'ahead': {
      const { height, round, step } = reason.cluster;
      const heights = (own.height - height).toString();
      const log = `${height}/${round}/${step}`;
      return new CmkmsError('STATE_AHEAD', { chainId, path, file, log, heights });
    }
  }
}
