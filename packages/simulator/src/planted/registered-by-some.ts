/** docs/architecture.md: consensus 10. */
import type { Plant } from './plant.js';

export const registeredBySome: Plant = {
  name: 'registered-by-some',
  says: 'a chain is registered once a majority of its holders has spoken',
  rule: 'consensus 10',
  patches: [
    {
      file: 'cmkms/dist/src/replica/registration.js',
      replace: 'if (missing.length > 0)',
      by: 'if (missing.length * 2 >= holders.length)',
    },
  ],
  budget: 200,
};
