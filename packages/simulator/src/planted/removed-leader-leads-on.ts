/** Rule 42. */
import type { Plant } from './plant.js';

export const removedLeaderLeadsOn: Plant = {
  name: 'removed-leader-leads-on',
  says: 'a leader that was removed goes on leading',
  rule: '42',
  patches: [
    {
      file: 'consensus/dist/src/core/change.js',
      replace: 'return inForce.index === committed.index;',
      by: 'return false;',
    },
  ],
  budget: 40,
  scenario: 'removed-leader',
};
