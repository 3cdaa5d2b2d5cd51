/** docs/architecture.md: leaving and entering. */
import type { Plant } from './plant.js';

export const floorExclusive: Plant = {
  name: 'floor-exclusive',
  says: 'what stands exactly at the floor is granted',
  rule: 'leaving and entering',
  patches: [
    {
      file: 'sign-state/dist/src/decide.js',
      replace: 'if (floor !== null && comparePosition(asked.hrs, floor) <= 0) {',
      by: 'if (floor !== null && comparePosition(asked.hrs, floor) < 0) {',
    },
  ],
  budget: 200,
};
