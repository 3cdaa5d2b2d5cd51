/**
 * Rule 15. What waits for a write goes into the next one together, so that a replica whole hardly ever has three writes
 * in the order that this needs; the core promises it for any driver.
 */
import type { Plant } from './plant.js';

export const durableNoticeByIndex: Plant = {
  name: 'durable-notice-by-index',
  says: 'a notice that a write is durable counts for entries that took the place of those it wrote',
  rule: '15',
  patches: [
    {
      file: 'consensus/dist/src/core/durability.js',
      replace: 'lastIndex: Math.min(lastIndex, kept),',
      by: 'lastIndex,',
    },
  ],
  budget: 40,
  scenario: 'aba',
};
