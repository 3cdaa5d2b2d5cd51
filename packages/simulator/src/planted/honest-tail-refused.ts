/** docs/architecture.md, consensus 8. */
import type { Plant } from './plant.js';

export const honestTailRefused: Plant = {
  name: 'honest-tail-refused',
  says: 'a peer is held to what it acknowledged before that was committed, so a truncated tail looks rolled back',
  rule: '8 (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/reception.js',
      replace: 'Math.min(match, core.commit)',
      by: 'match',
    },
  ],
  budget: 200,
};
