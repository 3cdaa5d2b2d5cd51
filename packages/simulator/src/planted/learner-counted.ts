/** Rule 41. */
import type { Plant } from './plant.js';

export const learnerCounted: Plant = {
  name: 'learner-counted',
  says: 'a learner counts for a commit as a voter does',
  rule: '41',
  patches: [
    {
      file: 'consensus/dist/src/core/membership.js',
      replace: 'return reachedByMajority(voters(core).map(reachedBy));',
      by: 'return reachedByMajority([core.config.self, ...peers(core)].map(reachedBy));',
    },
  ],
  budget: 40,
  scenario: 'learner-must-vote',
};
