/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const unknownToldAsRefused: Plant = {
  name: 'unknown-told-as-refused',
  says: 'an unknown outcome is a typed error, and costs the vote',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'cmkms/dist/src/replica/answers.js',
      replace: "return { kind: 'drop', reason: drops[outcome.reason] };",
      by: "return refusal(replica, 'NO_QUORUM', drops[outcome.reason]);",
    },
  ],
  budget: 200,
};
