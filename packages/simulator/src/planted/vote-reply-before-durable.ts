/** Rule 1. */
import type { Plant } from './plant.js';

export const voteReplyBeforeDurable: Plant = {
  name: 'vote-reply-before-durable',
  says: 'a promise leaves at once, before what it rests on is on disk',
  rule: '1',
  patches: [
    {
      file: 'consensus/dist/src/log-writer.js',
      replace: 'if (after <= this.#durable)',
      by: 'if (true)',
    },
  ],
  budget: 200,
};
