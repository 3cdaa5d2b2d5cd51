/** Rule 48. */
import type { Plant } from './plant.js';

export const failedWriteSyncedAgain: Plant = {
  name: 'failed-write-synced-again',
  says: 'after a failed write the file is synced once more, and that success is believed',
  rule: '48',
  patches: [
    {
      file: 'consensus/dist/src/wal/wal.js',
      replace: 'await writeFully(segment.file, bytes, offset);',
      by: 'await writeFully(segment.file, bytes, offset).catch(() => segment.file.sync());',
    },
  ],
  budget: 200,
};
