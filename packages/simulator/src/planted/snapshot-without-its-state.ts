/** Rule 47. */
import type { Plant } from './plant.js';

export const snapshotWithoutItsState: Plant = {
  name: 'snapshot-without-its-state',
  says: 'after a snapshot from the leader the index goes on, and the state is the old one',
  rule: '47',
  patches: [
    {
      file: 'consensus/dist/src/core-driver.js',
      replace: `this.#restored = null;
        this.#options.stateMachine.restore(snapshot.state);`,
      by: 'this.#restored = null;',
    },
  ],
  budget: 200,
};
