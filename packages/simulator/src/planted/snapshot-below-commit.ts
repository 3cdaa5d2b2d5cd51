/** Rule 46. */
import type { Plant } from './plant.js';

export const snapshotBelowCommit: Plant = {
  name: 'snapshot-below-commit',
  says: 'a snapshot that is older than what is committed is installed',
  rule: '46',
  patches: [
    {
      file: 'consensus/dist/src/core/snapshot.js',
      replace: 'if (snapshot.index <= core.commit) {',
      by: 'if (false) {',
    },
    {
      file: 'consensus/dist/src/core/snapshot.js',
      replace: 'else if (core.log.termAt(snapshot.index) === snapshot.term) {',
      by: 'else if (snapshot.index > core.commit && core.log.termAt(snapshot.index) === snapshot.term) {',
    },
  ],
  budget: 200,
};
