/** docs/architecture.md: who holds a validator’s link. */
import type { Plant } from './plant.js';

export const refusesWithoutWaiting: Plant = {
  name: 'refuses-without-waiting',
  says: 'without a leader a request is refused at once, not after two seconds',
  rule: 'who holds a validator’s link',
  patches: [
    {
      file: 'cmkms/dist/src/replica/router.js',
      replace: 'if (leaderlessMs >= LEADERLESS_HOLD_MS) {',
      by: 'if (leaderlessMs > 0) {',
    },
  ],
  budget: 200,
};
