/** Rule 5. */
import type { Plant } from './plant.js';

export const coveredByIndexAlone: Plant = {
  name: 'covered-by-index-alone',
  says: 'the longer log wins, whatever its last term',
  rule: '5',
  patches: [
    {
      file: 'consensus/dist/src/core/log.js',
      replace: 'if (lastTerm !== this.lastTerm)',
      by: 'if (false)',
    },
  ],
  budget: 200,
};
