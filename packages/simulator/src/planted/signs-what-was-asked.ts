/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const signsWhatWasAsked: Plant = {
  name: 'signs-what-was-asked',
  says: 'the bytes of the request are signed, not those of the verdict',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'signer/dist/src/gate/step.js',
      replace: 'const fault = foreignTo(turn, verdict.signBytes);',
      by: `verdict = { ...verdict, signBytes: asked.signBytes };
    const fault = foreignTo(turn, verdict.signBytes);`,
    },
  ],
  budget: 200,
};
