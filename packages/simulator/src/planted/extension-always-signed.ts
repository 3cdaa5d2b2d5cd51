/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const extensionAlwaysSigned: Plant = {
  name: 'extension-always-signed',
  says: 'a vote’s extension is signed though the request says not to',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'cmkms/dist/src/replica/sign-requests.js',
      replace: 'extensionSignBytes: request.extensionWanted',
      by: 'extensionSignBytes: request.type === 2 && request.blockId.hash.length > 0',
    },
  ],
  budget: 200,
};
