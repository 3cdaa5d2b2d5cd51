/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const leapGranted: Plant = {
  name: 'leap-granted',
  says: 'there is no limit to how far a grant may lie above the last',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'sign-state/dist/src/decide.js',
      replace: 'if (height > base + maxHeightJump)',
      by: 'if (false)',
    },
  ],
  budget: 200,
};
