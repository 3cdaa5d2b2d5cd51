/** docs/architecture.md: second gates. */
import type { Plant } from './plant.js';

export const servesBeforeTheFloors: Plant = {
  name: 'serves-before-the-floors',
  says: 'requests are served before the state files that are ahead became floors',
  rule: 'second gates',
  patches: [
    {
      file: 'cmkms/dist/src/replica/registrar.js',
      replace: 'return this.#passedTerm === term;',
      by: 'return true;',
    },
  ],
  budget: 200,
};
