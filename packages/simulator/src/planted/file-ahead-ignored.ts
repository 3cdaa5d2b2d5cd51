/** docs/architecture.md: second gates. */
import type { Plant } from './plant.js';

export const fileAheadIgnored: Plant = {
  name: 'file-ahead-ignored',
  says: 'a state file that is ahead of the log changes nothing',
  rule: 'second gates',
  patches: [
    {
      file: 'cmkms/dist/src/replica/registration.js',
      replace: "if (known?.kind !== 'position')",
      by: "if (known?.kind !== 'position' || position !== null)",
    },
  ],
  budget: 200,
};
