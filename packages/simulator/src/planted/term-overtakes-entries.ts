/** Rule 13. */
import type { Plant } from './plant.js';

export const termOvertakesEntries: Plant = {
  name: 'term-overtakes-entries',
  says: 'a frame with term and vote overtakes the entries that came before it',
  rule: '13',
  patches: [
    {
      file: 'consensus/dist/src/log-writer.js',
      replace: `this.#waiting = [];
        this.#inFlight`,
      by: `const urgent = batches.filter((batch) => batch.hard !== undefined);
        if (urgent.length > 0 && urgent.length < batches.length && batches.every((batch) => !batch.genesis)) {
            this.#waiting = batches.filter((batch) => batch.hard === undefined);
            this.#inFlight = this.#write(urgent, this.#lastReceipt, []);
            return;
        }
        this.#waiting = [];
        this.#inFlight`,
    },
  ],
  budget: 200,
};
