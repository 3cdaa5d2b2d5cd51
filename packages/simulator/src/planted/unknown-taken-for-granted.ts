/** docs/architecture.md: the road of one signature. */
import type { Plant } from './plant.js';

export const unknownTakenForGranted: Plant = {
  name: 'unknown-taken-for-granted',
  says: 'a reservation whose outcome is unknown counts as granted',
  rule: 'the road of one signature',
  patches: [
    {
      file: 'cmkms/dist/src/replica/raft-store.js',
      replace: "const command = { kind: 'reserve', ...request };",
      by: `const { hrs, signBytes, by, at } = request;
        const granted = { kind: 'granted', signBytes, stored: { hrs, signBytes, by, at } };
        const command = { kind: 'reserve', ...request };`,
    },
    {
      file: 'cmkms/dist/src/replica/raft-store.js',
      replace: 'return await this.#commit(command, this.#reserveTimeoutMs, (answer) => {',
      by: `return await this.#commit(command, this.#reserveTimeoutMs, (answer) => {
            if (answer === null)
                return granted;`,
    },
    {
      file: 'cmkms/dist/src/replica/raft-store.js',
      replace: "return { kind: 'unknown', detail: error.message };",
      by: `if (timeoutMs === this.#reserveTimeoutMs)
                return { kind: 'committed', value: read(null), proof: { term: 0, index: 0, commitMs: 0 } };
            return { kind: 'unknown', detail: error.message };`,
    },
  ],
  budget: 200,
};
