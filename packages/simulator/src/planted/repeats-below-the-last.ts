/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const repeatsBelowTheLast: Plant = {
  name: 'repeats-below-the-last',
  says: 'what was granted once is repeated though the log has gone on',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'sign-state/dist/src/decide.js',
      replace: "return { kind: 'regressed', last, floor: null };",
      by: "return order < 0 && asked.hrs.height === last.hrs.height ? { kind: 'repeated', signBytes: asked.signBytes, stored: last } : { kind: 'regressed', last, floor: null };",
    },
  ],
  budget: 200,
};
