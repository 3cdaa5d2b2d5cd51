/** Rule 39. */
import type { Plant } from './plant.js';

export const twoChangesAtOnce: Plant = {
  name: 'two-changes-at-once',
  says: 'a second change of the members begins while the first may still be dropped',
  rule: '39',
  patches: [
    {
      file: 'consensus/dist/src/core/change.js',
      replace: `if (inForce !== committed)
        return { kind: 'underWay', index: inForce };`,
      by: '',
    },
  ],
  budget: 40,
  scenario: 'change-in-a-partition',
};
