/** docs/architecture.md: second gates. */
import type { Plant } from './plant.js';

export const releasedBeforeTheMark: Plant = {
  name: 'released-before-the-mark',
  says: 'the second gate is asked, and its answer not awaited',
  rule: 'second gates',
  patches: [
    {
      file: 'signer/dist/src/gate/step.js',
      replace: 'if (commit === null || markMs === null)',
      by: 'if (commit === null)',
    },
  ],
  budget: 200,
};
