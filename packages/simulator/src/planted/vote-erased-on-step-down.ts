/** Rule 3. */
import type { Plant } from './plant.js';

export const voteErasedOnStepDown: Plant = {
  name: 'vote-erased-on-step-down',
  says: 'whoever steps down within a term forgets whom it voted for',
  rule: '3',
  patches: [
    {
      file: 'consensus/dist/src/core/election.js',
      replace: 'function returnToFollower(core, reason, out) {',
      by: `function returnToFollower(core, reason, out) {
    core.hard = { term: core.hard.term, votedFor: null };`,
    },
  ],
  budget: 200,
};
