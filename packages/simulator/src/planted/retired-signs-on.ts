/** docs/architecture.md: leaving and entering. */
import type { Plant } from './plant.js';

export const retiredSignsOn: Plant = {
  name: 'retired-signs-on',
  says: 'a retired chain is signed for',
  rule: 'leaving and entering',
  patches: [
    {
      file: 'sign-state/dist/src/decide.js',
      replace: 'if (record.retired)',
      by: 'if (false)',
    },
  ],
  budget: 200,
};
