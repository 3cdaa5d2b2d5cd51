/** Rule 45. */
import type { Plant } from './plant.js';

export const snapshotDropsSuffix: Plant = {
  name: 'snapshot-drops-suffix',
  says: 'a snapshot drops the entries behind it, though the log holds its end',
  rule: '45',
  patches: [
    {
      file: 'consensus/dist/src/core/snapshot.js',
      replace: 'else if (core.log.termAt(snapshot.index) === snapshot.term) {',
      by: 'else if (false) {',
    },
  ],
  budget: 200,
};
