/** docs/architecture.md: consensus 10. */
import type { Plant } from './plant.js';

export const neverSignedBesideAFile: Plant = {
  name: 'never-signed-beside-a-file',
  says: 'a "never signed" outweighs a state file in another home',
  rule: 'consensus 10',
  patches: [
    {
      file: 'cmkms/dist/src/replica/registration.js',
      replace: 'if (neverSigned !== undefined && first !== undefined) {',
      by: 'if (false) {',
    },
  ],
  budget: 200,
};
