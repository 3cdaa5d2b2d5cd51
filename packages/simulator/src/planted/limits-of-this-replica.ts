/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const limitsOfThisReplica: Plant = {
  name: 'limits-of-this-replica',
  says: 'each replica judges by the limits of its own configuration',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'cmkms/dist/src/replica/state-machine.js',
      replace: 'export class SigningStateMachine {',
      by: `let made = 0;
export class SigningStateMachine {
    #window = 10000n + BigInt(made++ % 2);`,
    },
    {
      file: 'cmkms/dist/src/replica/state-machine.js',
      replace: 'const answer = this.#state.apply(decoded);',
      by: `if (decoded.kind === 'registerChain')
            decoded.limits = { ...decoded.limits, cutoverWindow: this.#window };
        const answer = this.#state.apply(decoded);`,
    },
  ],
  budget: 200,
};
