/** Rule 1, of a request that comes twice. */
import type { Plant } from './plant.js';

export const repeatedVoteRequest: Plant = {
  name: 'repeated-vote-request',
  says: 'a repeated request for a vote is answered while the write of that vote is under way',
  rule: '1',
  patches: [
    {
      file: 'consensus/dist/src/core/election.js',
      replace: 'out.promise(from, reply, core.durability.termReceipt);',
      by: `const repeated = !newer && votedFor === from;
    out.promise(from, reply, repeated ? 0 : core.durability.termReceipt);`,
    },
  ],
  budget: 200,
};
