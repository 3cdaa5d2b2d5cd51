/** Rules 18 and 19: either alone would do. */
import type { Plant } from './plant.js';

export const commitToOwnEnd: Plant = {
  name: 'commit-to-own-end',
  says: 'a leader tells how far it has committed, and a follower commits to its own end',
  rule: '18',
  patches: [
    {
      file: 'consensus/dist/src/core/replication.js',
      replace: 'const commit = Math.min(core.commit, peer.match);',
      by: 'const commit = core.commit;',
    },
    {
      file: 'consensus/dist/src/core/follower.js',
      replace: 'Math.min(append.commit, match)',
      by: 'Math.min(append.commit, core.log.lastIndex)',
    },
  ],
  budget: 200,
};
