/** Rule 9; docs/architecture.md, founding and identity. */
import type { Plant } from './plant.js';

export const whoLeftComesAgain: Plant = {
  name: 'who-left-comes-again',
  says: 'an identity that was removed is admitted again',
  rule: '9',
  patches: [
    {
      file: 'consensus/dist/src/core/change.js',
      replace: 'if (has(before.departed ?? [], id))',
      by: "if (id === '')",
    },
  ],
  budget: 80,
};
