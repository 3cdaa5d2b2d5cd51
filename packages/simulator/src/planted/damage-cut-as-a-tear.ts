/** Rule 52. */
import type { Plant } from './plant.js';

export const damageCutAsATear: Plant = {
  name: 'damage-cut-as-a-tear',
  says: 'a damaged record is cut off as if it were a torn tail',
  rule: '52',
  patches: [
    {
      file: 'consensus/dist/src/wal/scan.js',
      replace: `if (found.kind === 'damaged')
            return ends(found);`,
      by: `if (found.kind === 'damaged')
            return ends({ kind: 'torn', at, end: bytes.length, buried: false,
              sequence: (frames.at(-1)?.frame.sequence ?? 0) + 1 });`,
    },
  ],
  budget: 200,
};
