/** Whoever is told "not leader" asks again for the very same bytes. */
import type { Plant } from './plant.js';

export const otherPayloadOnTheSecondTry: Plant = {
  name: 'other-payload-on-the-second-try',
  says: 'where nobody led, the next try asks for another block',
  rule: 'product rule P3',
  patches: [
    {
      file: 'cmkms/dist/src/replica/router.js',
      replace: `await this.#changedSince(seen, deadlineMs);
            }
            else if`,
      by: `await this.#changedSince(seen, deadlineMs);
                const other = Uint8Array.from(request.signBytes);
                const hash = Buffer.from(other).indexOf(Buffer.from([0x0a, 0x20])) + 2;
                if (hash > 1) other[hash] ^= 1;
                request = { ...request, signBytes: other };
            }
            else if`,
    },
  ],
  budget: 200,
};
