/** Rule 22. */
import type { Plant } from './plant.js';

export const matchFromARefusal: Plant = {
  name: 'match-from-a-refusal',
  says: 'what a refusal hints at is taken for an acknowledgement',
  rule: '22',
  patches: [
    {
      file: 'consensus/dist/src/core/replication.js',
      replace: 'peer.refused(reply.round, join, leading.rounds.next);',
      by: `peer.refused(reply.round, join, leading.rounds.next);
        peer.acknowledged(join);`,
    },
  ],
  budget: 200,
};
