/** Rule 23. */
import type { Plant } from './plant.js';

export const ackOfOwnEnd: Plant = {
  name: 'ack-of-own-end',
  says: 'an acknowledgement reaches to the end of the follower’s own log',
  rule: '23',
  patches: [
    {
      file: 'consensus/dist/src/core/follower.js',
      replace: 'const match = prevIndex + entries.length;',
      by: 'const match = core.log.lastIndex;',
    },
  ],
  budget: 200,
};
