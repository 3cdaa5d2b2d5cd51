/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const timeIsContent: Plant = {
  name: 'time-is-content',
  says: 'the timestamp counts as content',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'sign-state/dist/src/canonical.js',
      replace: 'return concatBytes(body.subarray(0, timestampFrom), body.subarray(timestampTo));',
      by: 'return concatBytes(body);',
    },
  ],
  budget: 200,
};
