/** docs/architecture.md, consensus 11. */
import type { Plant } from './plant.js';

export const rulesRaisedOverTheAbsent: Plant = {
  name: 'rules-raised-over-the-absent',
  says: 'rules are raised once all members that are linked know them, whoever is away',
  rule: 'versions (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/rules-range.js',
      replace: 'if (range === null)\n            return null;',
      by: 'if (range === null)\n            continue;',
    },
  ],
  budget: 40,
};
