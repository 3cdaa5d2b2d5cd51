/** docs/architecture.md: second gates. */
import type { Plant } from './plant.js';

export const otherBytesOnlyReported: Plant = {
  name: 'other-bytes-only-reported',
  says: 'a state file at the place of the last reservation, with other bytes, is reported and closes nothing',
  rule: 'second gates',
  patches: [
    {
      file: 'cmkms/dist/src/replica/registration.js',
      replace: 'if (isClosed)',
      by: 'if (true)',
    },
  ],
  budget: 200,
};
