/** Rule 11. */
import type { Plant } from './plant.js';

export const repeatedAppendAck: Plant = {
  name: 'repeated-append-ack',
  says: 'an append that brings nothing new is acknowledged at once, while its first copy is being written',
  rule: '11',
  patches: [
    {
      file: 'consensus/dist/src/core/follower.js',
      replace: `store(core, entries, out);
`,
      by: `const news = core.log.firstMissing(entries) !== null;
    store(core, entries, out);
`,
    },
    {
      file: 'consensus/dist/src/core/follower.js',
      replace: 'acknowledge(core, from, round, match, out);',
      by: 'acknowledge(core, from, round, match, out, news);',
    },
    {
      file: 'consensus/dist/src/core/follower.js',
      replace: 'export function acknowledge(core, to, round, match, out) {',
      by: 'export function acknowledge(core, to, round, match, out, news = true) {',
    },
    {
      file: 'consensus/dist/src/core/follower.js',
      replace: 'core.durability.receiptForMatch(match)',
      by: 'news ? core.durability.receiptForMatch(match) : core.durability.termReceipt',
    },
  ],
  budget: 200,
};
