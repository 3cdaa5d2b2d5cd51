/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const retimedProposalAnswered: Plant = {
  name: 'retimed-proposal-answered',
  says: 'a proposal with another timestamp is answered over the stored bytes',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'signer/dist/src/gate/step.js',
      replace: 'if (!sameBytes && asked.hrs.step === 1)',
      by: 'if (false)',
    },
    {
      file: 'signer/dist/src/gate/judge.js',
      replace: 'return asked.hrs.step === 1',
      by: 'return false',
    },
  ],
  budget: 200,
};
