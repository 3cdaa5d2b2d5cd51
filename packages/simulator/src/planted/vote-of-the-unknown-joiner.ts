/** docs/architecture.md, consensus 8. */
import type { Plant } from './plant.js';

export const voteOfTheUnknownJoiner: Plant = {
  name: 'vote-of-the-unknown-joiner',
  says: 'a vote counts before it is on disk that the voter has joined',
  rule: '8 (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/introductions.js',
      replace: "if (kind !== 'voteReply' && kind !== 'appendReply')",
      by: "if (kind !== '')",
    },
  ],
  budget: 200,
};
