/** Rule 9. */
import type { Plant } from './plant.js';

export const identityUsedAgain: Plant = {
  name: 'identity-used-again',
  says: 'who was removed may come back under its identity',
  rule: '9',
  patches: [
    {
      file: 'consensus/dist/src/core/change.js',
      replace: 'if (has(before.departed ?? [], id))',
      by: 'if (false)',
    },
  ],
  budget: 40,
  scenario: 'removed-leader',
};
