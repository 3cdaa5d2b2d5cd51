/** docs/architecture.md: who holds a validator’s link. */
import type { Plant } from './plant.js';

export const linkKeptWithoutALeader: Plant = {
  name: 'link-kept-without-a-leader',
  says: 'a replica that sees no leader keeps a link that others list, for ever',
  rule: 'who holds a validator’s link',
  patches: [
    {
      file: 'cmkms/dist/src/replica/link-plan.js',
      replace: "return heldMs >= LEADERLESS_RESET_MS ? 'reset' : 'hold';",
      by: "return 'hold';",
    },
  ],
  budget: 200,
};
