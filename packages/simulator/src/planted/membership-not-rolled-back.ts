/** Rule 39. */
import type { Plant } from './plant.js';

export const membershipNotRolledBack: Plant = {
  name: 'membership-not-rolled-back',
  says: 'a membership stays in force though its entry was dropped',
  rule: '39',
  patches: [
    {
      file: 'consensus/dist/src/core/log.js',
      replace: 'this.#memberships = this.#memberships.filter((each) => each.index < index);',
      by: '',
    },
  ],
  budget: 40,
  scenario: 'change-in-a-partition',
};
