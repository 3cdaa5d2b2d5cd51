/** Rule 6. */
import type { Plant } from './plant.js';

export const votesCountedTwice: Plant = {
  name: 'votes-counted-twice',
  says: 'a vote counts as often as it arrives',
  rule: '6',
  patches: [
    {
      file: 'consensus/dist/src/core/quorum.js',
      replace: 'if (!this.#votes.has(voter))',
      by: `this.arrived = (this.arrived ?? 0) + (granted ? 1 : 0);
        if (!this.#votes.has(voter))`,
    },
    {
      file: 'consensus/dist/src/core/quorum.js',
      replace: 'if (granted >= enough)',
      by: 'if (this.arrived >= enough)',
    },
  ],
  budget: 200,
};
