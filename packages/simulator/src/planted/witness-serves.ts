/** docs/architecture.md, consensus 9. */
import type { Plant } from './plant.js';

export const witnessServes: Plant = {
  name: 'witness-serves',
  says: 'a witness that leads takes requests as any leader does',
  rule: '9 (architecture)',
  patches: [
    {
      file: 'consensus/dist/src/core/status.js',
      replace: 'role.transfer !== null || isWitness(core)',
      by: 'role.transfer !== null',
    },
  ],
  budget: 40,
};
