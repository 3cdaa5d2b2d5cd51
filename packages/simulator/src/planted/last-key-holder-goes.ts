/** docs/architecture.md, consensus 9. */
import type { Plant } from './plant.js';

export const lastKeyHolderGoes: Plant = {
  name: 'last-key-holder-goes',
  says: 'witnesses alone may be left',
  rule: '9 (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/core/change.js',
      replace: 'if (voters.every(({ witness }) => witness))',
      by: 'if (false)',
    },
  ],
  budget: 40,
  scenario: 'witness',
};
