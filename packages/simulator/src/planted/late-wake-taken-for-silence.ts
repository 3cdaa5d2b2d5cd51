/** Rule 31. */
import type { Plant } from './plant.js';

export const lateWakeTakenForSilence: Plant = {
  name: 'late-wake-taken-for-silence',
  says: 'whoever stood still takes the time for silence of the others',
  rule: '31',
  patches: [
    {
      file: 'consensus/dist/src/core/stall.js',
      replace: 'if (lateMs <= graceMs)',
      by: 'if (lateMs < Number.POSITIVE_INFINITY)',
    },
  ],
  budget: 200,
};
