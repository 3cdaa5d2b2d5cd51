/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const nilIsNoConflict: Plant = {
  name: 'nil-is-no-conflict',
  says: 'nil after a block, or a block after nil, is no conflict',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'sign-state/dist/src/decide.js',
      replace: "return { kind: 'conflict', stored };",
      by: `if (asked.signBytes.length + 40 < signBytes.length || signBytes.length + 40 < asked.signBytes.length)
        return { kind: 'granted', signBytes: asked.signBytes, stored: { ...stored, signBytes: asked.signBytes } };
    return { kind: 'conflict', stored };`,
    },
  ],
  budget: 200,
};
