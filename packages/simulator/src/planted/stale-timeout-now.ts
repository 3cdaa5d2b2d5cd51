/** Rule 33. */
import type { Plant } from './plant.js';

export const staleTimeoutNow: Plant = {
  name: 'stale-timeout-now',
  says: 'a call to take over is followed however late it comes',
  rule: '33',
  patches: [
    {
      file: 'consensus/dist/src/core/transfer.js',
      replace:
        'if (term !== core.hard.term || from !== core.leader || lastIndex !== core.log.lastIndex)',
      by: 'if (term > core.hard.term)',
    },
  ],
  budget: 200,
};
