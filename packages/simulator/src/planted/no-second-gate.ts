/** docs/architecture.md: second gates. */
import type { Plant } from './plant.js';

export const noSecondGate: Plant = {
  name: 'no-second-gate',
  says: 'nothing is ever marked',
  rule: 'second gates',
  patches: [
    {
      file: 'signer/dist/src/watermark.js',
      replace:
        "invariant(!this.#raising, 'one raise of a watermark is in flight at a time', { hrs });",
      by: "return { kind: 'raised', syncMs: 0 };",
    },
  ],
  budget: 200,
};
