/** Rule 10. */
import type { Plant } from './plant.js';

export const termSaidBeforeDurable: Plant = {
  name: 'term-said-before-durable',
  says: 'a candidate asks for votes before its term is on disk',
  rule: '10',
  patches: [
    {
      file: 'consensus/dist/src/core/election.js',
      replace:
        "{ kind: 'vote', term: core.hard.term, lastIndex, lastTerm, transfer }, core.durability.termReceipt",
      by: "{ kind: 'vote', term: core.hard.term, lastIndex, lastTerm, transfer }, 0",
    },
  ],
  budget: 200,
};
