/** docs/architecture.md: the promise. */
import type { Plant } from './plant.js';

export const leasePermits: Plant = {
  name: 'lease-permits',
  says: 'a leader that holds its lease takes its own disk for a quorum',
  rule: 'the promise',
  patches: [
    {
      file: 'consensus/dist/src/core/replication.js',
      replace: "import { noteAnswer, Rounds } from './lease.js';",
      by: "import { leaseUntil, noteAnswer, Rounds } from './lease.js';",
    },
    {
      file: 'consensus/dist/src/core/replication.js',
      replace: 'const through = reachedByQuorum(core, (id) => id === core.config.self',
      by: 'const through = now < leaseUntil(core, leading) ? core.durability.durableIndex : reachedByQuorum(core, (id) => id === core.config.self',
    },
  ],
  budget: 200,
};
