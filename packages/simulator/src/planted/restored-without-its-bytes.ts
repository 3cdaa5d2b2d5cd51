/** Rule 44. */
import type { Plant } from './plant.js';

export const restoredWithoutItsBytes: Plant = {
  name: 'restored-without-its-bytes',
  says: 'a snapshot restores where the last reservation stood, and not what it was for',
  rule: '44',
  patches: [
    {
      file: 'sign-state/dist/src/state.js',
      replace: 'state.#records.set(idKey(record.id), record);',
      by: `state.#records.set(idKey(record.id), record.last === null || record.last.hrs.step === 1 ? record : {
                ...record, last: null, floor: { ...record.last.hrs, step: record.last.hrs.step - 1 },
            });`,
    },
  ],
  budget: 200,
};
