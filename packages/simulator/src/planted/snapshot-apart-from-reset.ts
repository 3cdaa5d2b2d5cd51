/** Rule 44. */
import type { Plant } from './plant.js';

export const snapshotApartFromReset: Plant = {
  name: 'snapshot-apart-from-reset',
  says: 'a snapshot from the leader and the end of the old log are two frames',
  rule: '44',
  patches: [
    {
      file: 'consensus/dist/src/wal/wal.js',
      replace: 'const payload = encodeBatches(batches);',
      by: `const reset = batches.some((batch) => batch.resetLog) && this.#state.genesis !== null;
        const from = (this.#state.snapshot?.index ?? 0) + 1;
        const early = reset && encodeBatches([{ truncateFrom: from }]);
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
