/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const ownSignatureNotVerified: Plant = {
  name: 'own-signature-not-verified',
  says: 'the own signature is not verified before it leaves',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'signer/dist/src/gate/driver.js',
      replace: 'return this.#verify(bytes, signature);',
      by: 'return true;',
    },
  ],
  budget: 200,
};
