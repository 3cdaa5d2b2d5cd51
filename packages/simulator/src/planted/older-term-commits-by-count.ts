/** Rule 17; Raft paper, figure 8. */
import type { Plant } from './plant.js';

export const olderTermCommitsByCount: Plant = {
  name: 'older-term-commits-by-count',
  says: 'an entry of an older term commits as soon as a majority holds it',
  rule: '17',
  patches: [
    {
      file: 'consensus/dist/src/core/replication.js',
      replace: 'if (through <= core.commit || core.log.termAt(through) !== core.hard.term)',
      by: 'if (through <= core.commit)',
    },
  ],
  budget: 200,
};
