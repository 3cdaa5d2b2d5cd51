/** Rule 12. */
import type { Plant } from './plant.js';

export const leaderCountsUndurable: Plant = {
  name: 'leader-counts-undurable',
  says: 'a leader counts entries of its own that are not on its disk',
  rule: '12',
  patches: [
    {
      file: 'consensus/dist/src/core/replication.js',
      replace: 'core.durability.durableIndex //',
      by: 'core.log.lastIndex //',
    },
  ],
  budget: 200,
};
