/** docs/architecture.md: leaving and entering. */
import type { Plant } from './plant.js';

export const guardNotArmed: Plant = {
  name: 'guard-not-armed',
  says: 'an import does not arm the cut-over guard',
  rule: 'leaving and entering',
  patches: [
    {
      file: 'sign-state/dist/src/apply.js',
      replace: 'cutoverArmed: imported,',
      by: 'cutoverArmed: false,',
    },
  ],
  budget: 200,
};
