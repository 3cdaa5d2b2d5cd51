/** Rule 4. */
import type { Plant } from './plant.js';

export const preVoteClearsVote: Plant = {
  name: 'pre-vote-clears-vote',
  says: 'a pre-vote that is granted clears the vote of the term',
  rule: '4',
  patches: [
    {
      file: 'consensus/dist/src/core/election.js',
      replace: 'const term = granted ? asked.term : core.hard.term;',
      by: `if (granted) {
        core.hard = { term: core.hard.term, votedFor: null };
        core.durability.persist({ hard: core.hard }, out);
    }
    const term = granted ? asked.term : core.hard.term;`,
    },
  ],
  budget: 200,
};
