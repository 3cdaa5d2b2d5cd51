/** Rule 49. */
import type { Plant } from './plant.js';

export const segmentOfAFullDisk: Plant = {
  name: 'segment-of-a-full-disk',
  says: 'a segment is used though the disk was full when it was made',
  rule: '49',
  patches: [
    {
      file: 'consensus/dist/src/wal/segments.js',
      replace:
        'await writeFully(file, zeros.subarray(0, Math.min(zeros.length, sizeBytes - at)), at);',
      // The bug itself: what a full disk says is swallowed.
      by: 'await writeFully(file, zeros.subarray(0, Math.min(zeros.length, sizeBytes - at)), at).catch(() => { });',
    },
  ],
  budget: 200,
};
