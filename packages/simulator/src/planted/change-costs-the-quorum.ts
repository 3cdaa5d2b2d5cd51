/** Rule 43. */
import type { Plant } from './plant.js';

export const changeCostsTheQuorum: Plant = {
  name: 'change-costs-the-quorum',
  says: 'a change is made though too few of its voters are there',
  rule: '43',
  patches: [
    {
      file: 'consensus/dist/src/core/change.js',
      replace: 'if (live < needed)',
      by: 'if (false)',
    },
  ],
  budget: 40,
  scenario: 'change-in-a-partition',
};
