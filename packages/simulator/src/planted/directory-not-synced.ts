/** Rule 50. */
import type { Plant } from './plant.js';

export const directoryNotSynced: Plant = {
  name: 'directory-not-synced',
  says: 'a new segment’s name is not synced',
  rule: '50',
  patches: [
    {
      file: 'consensus/dist/src/wal/segments.js',
      replace: `    await files.syncDirectory();
`,
      by: `
`,
    },
  ],
  budget: 200,
};
