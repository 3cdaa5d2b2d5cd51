/** Rule 49. */
import type { Plant } from './plant.js';

export const shortWriteTakenForWhole: Plant = {
  name: 'short-write-taken-for-whole',
  says: 'a write that took fewer bytes is taken for whole',
  rule: '49',
  patches: [
    {
      file: 'consensus/dist/src/wal/segments.js',
      replace: 'done += written;',
      by: 'done = bytes.length;',
    },
  ],
  budget: 200,
};
