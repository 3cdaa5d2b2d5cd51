/** Rule 29. */
import type { Plant } from './plant.js';

export const verdictByIndexAlone: Plant = {
  name: 'verdict-by-index-alone',
  says: 'a proposal whose leader fell takes the verdict of whatever stands at its index',
  rule: '29',
  patches: [
    {
      file: 'consensus/dist/src/core/proposals.js',
      replace: 'for (const ticket of this.#tickets.values())',
      by: 'for (const [index, ticket] of this.#tickets)',
    },
    {
      file: 'consensus/dist/src/core/proposals.js',
      replace: "out.resolve(ticket, { kind: 'unknown' });",
      by: "out.resolve(ticket, { kind: 'committed', term: this.#term, index });",
    },
    {
      file: 'consensus/dist/src/pending-proposals.js',
      replace: 'if (waiting.term !== term || answer === null) {',
      by: 'if (answer === null) {',
    },
  ],
  budget: 200,
};
