/** docs/architecture.md, founding and identity. */
import type { Plant } from './plant.js';

export const foundedByFewer: Plant = {
  name: 'founded-by-fewer',
  says: 'a cluster is founded once a majority of its members is there',
  rule: 'founding (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/founding.js',
      replace: 'if (missing.length > 0)',
      by: 'if (2 * missing.length >= facts.members.length)',
    },
  ],
  budget: 200,
};
