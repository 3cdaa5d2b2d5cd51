/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const releasedAtPropose: Plant = {
  name: 'released-at-propose',
  says: 'a signature is released when its reservation is proposed, not when it is committed',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'cmkms/dist/src/replica/raft-store.js',
      replace: 'return await this.#commit(command, this.#reserveTimeoutMs, (answer) => {',
      by: `void this.#commit(command, this.#reserveTimeoutMs, (answer) => answer);
        const { hrs, signBytes, by, at } = request;
        const stored = { hrs, signBytes, by, at };
        const proof = { term: 0, index: 0, commitMs: 0 };
        return { kind: 'committed', value: { kind: 'granted', signBytes, stored }, proof };
        return await this.#commit(command, this.#reserveTimeoutMs, (answer) => {`,
    },
  ],
  budget: 200,
};
