/** Rule 14. */
import type { Plant } from './plant.js';

export const truncateApartFromAppend: Plant = {
  name: 'truncate-apart-from-append',
  says: 'truncation and what replaces it are two frames',
  rule: '14',
  patches: [
    {
      file: 'consensus/dist/src/wal/wal.js',
      replace: 'const payload = encodeBatches(batches);',
      by: `const cut = batches.find((batch) => batch.truncateFrom !== undefined);
        const early = cut && encodeBatches([{ truncateFrom: cut.truncateFrom }]);
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
