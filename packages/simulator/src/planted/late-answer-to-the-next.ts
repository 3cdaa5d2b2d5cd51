/** docs/architecture.md: who holds a validator’s link. */
import type { Plant } from './plant.js';

export const lateAnswerToTheNext: Plant = {
  name: 'late-answer-to-the-next',
  says: 'an answer that comes late is given to the request that waits now',
  rule: 'who holds a validator’s link',
  patches: [
    {
      file: 'cmkms/dist/src/replica/router.js',
      replace: 'const pending = this.#pending.get(answer.number);',
      by: 'const pending = this.#pending.get(answer.number) ?? [...this.#pending.values()][0];',
    },
  ],
  budget: 200,
};
