/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const haltHeightSigned: Plant = {
  name: 'halt-height-signed',
  says: 'the halt height itself is signed',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'sign-state/dist/src/decide.js',
      replace: 'if (haltHeight !== null && asked.hrs.height >= haltHeight)',
      by: 'if (haltHeight !== null && asked.hrs.height > haltHeight)',
    },
  ],
  budget: 200,
};
