/** docs/architecture.md: leaving and entering. */
import type { Plant } from './plant.js';

export const floorLowered: Plant = {
  name: 'floor-lowered',
  says: 'a lower floor takes the place of a higher one',
  rule: 'leaving and entering',
  patches: [
    {
      file: 'sign-state/dist/src/apply.js',
      replace: 'if (record.floor !== null && comparePosition(floor, record.floor) <= 0)',
      by: 'if (false)',
    },
  ],
  budget: 200,
};
