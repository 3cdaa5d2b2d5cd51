/** Rule 20. */
import type { Plant } from './plant.js';

export const truncateOnEveryAppend: Plant = {
  name: 'truncate-on-every-append',
  says: 'every append with entries replaces all from its first on',
  rule: '20',
  patches: [
    {
      file: 'consensus/dist/src/core/log.js',
      replace: 'if (index > this.#prefixIndex && this.termAt(index) !== term)',
      by: 'if (index > this.#prefixIndex)',
    },
  ],
  budget: 200,
};
