/** Rule 2. */
import type { Plant } from './plant.js';

export const voteWithAnotherTerm: Plant = {
  name: 'vote-with-another-term',
  says: 'term and vote are two frames, the vote first: a crash between leaves it with the old term',
  rule: '2',
  patches: [
    {
      file: 'consensus/dist/src/wal/wal.js',
      replace: 'const payload = encodeBatches(batches);',
      by: `const { hard } = this.#state;
        const given = batches.find((batch) => batch.hard?.votedFor);
        const early = given && encodeBatches([{ hard: { term: hard.term, votedFor: given.hard.votedFor } }]);
        const payload = encodeBatches(batches);`,
    },
    {
      file: 'consensus/dist/src/wal/wal.js',
      replace: 'this.#appending = this.#dying(() => this.#write(payload));',
      by: `this.#appending = this.#dying(async () => {
            if (early)
                await this.#write(early);
            await this.#write(payload);
        });`,
    },
  ],
  budget: 200,
};
