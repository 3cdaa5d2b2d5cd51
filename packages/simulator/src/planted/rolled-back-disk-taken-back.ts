/** docs/architecture.md, consensus 8. */
import type { Plant } from './plant.js';

export const rolledBackDiskTakenBack: Plant = {
  name: 'rolled-back-disk-taken-back',
  says: 'a peer that shows less than it once did is taken back',
  rule: '8 (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/peer-marks.js',
      replace: 'const mark = this.#marks.get(hello.from);',
      by: 'const mark = undefined;',
    },
  ],
  budget: 200,
};
