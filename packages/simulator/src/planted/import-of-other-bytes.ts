/** docs/architecture.md: consensus 10. */
import type { Plant } from './plant.js';

export const importOfOtherBytes: Plant = {
  name: 'import-of-other-bytes',
  says: 'of two homes with other bytes at one place, one is believed',
  rule: 'consensus 10',
  patches: [
    {
      file: 'cmkms/dist/src/replica/registration.js',
      replace: 'signBytes: agreed ? highest.signBytes : null,',
      by: 'signBytes: highest.signBytes,',
    },
  ],
  budget: 200,
};
