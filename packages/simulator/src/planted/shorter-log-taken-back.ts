/** Rule 53. */
import type { Plant } from './plant.js';

export const shorterLogTakenBack: Plant = {
  name: 'shorter-log-taken-back',
  says: 'a peer whose log is shorter than what it acknowledged is taken back',
  rule: '53',
  patches: [
    {
      file: 'consensus/dist/src/peer-marks.js',
      replace: 'if (hello.lastIndex < mark.acknowledged) {',
      by: 'if (false) {',
    },
  ],
  budget: 200,
};
