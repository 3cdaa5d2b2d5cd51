/**
 * Rule 38. Ongaro's correction of 2015: it needs two leaders, two changes and a partition, each at its moment.
 */
import type { Plant } from './plant.js';

export const changeBeforeOwnTerm: Plant = {
  name: 'change-before-own-term',
  says: 'members are changed by a leader that has committed nothing of its own term yet',
  rule: '38',
  patches: [
    {
      file: 'consensus/dist/src/core/change.js',
      replace: "return core.commit < leading.barrierIndex ? { kind: 'termNotOpened' } : null;",
      by: 'return null;',
    },
  ],
  budget: 40,
  scenario: 'ongaro-2015',
};
