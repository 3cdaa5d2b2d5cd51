/** Rule 10. */
import type { Plant } from './plant.js';

export const appendAckBeforeDurable: Plant = {
  name: 'append-ack-before-durable',
  says: 'an acknowledgement waits for the term alone, not for the entries',
  rule: '11',
  patches: [
    {
      file: 'consensus/dist/src/core/follower.js',
      replace: 'core.durability.receiptForMatch(match)',
      by: 'core.durability.termReceipt',
    },
  ],
  budget: 200,
};
