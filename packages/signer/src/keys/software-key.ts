/**
 * An ed25519 key in the memory of this process.
 *
 * Owns    the seed, and signing with it (noble, expanded-key.ts). Another implementation verifies: keys/verify.ts.
 * Never   shows the seed: not in errors, logs, `inspect`, JSON or a structured clone. `revealSeed` is for key-file.ts
 *         alone and is not exported from the package.
 * Rule    RFC 8032, 5.1.6. Signing is deterministic: the same bytes always give the same signature.
 * Proof   conformance/key-backend.ts; test/keys.test.ts (vectors of CometBFT's fixture key)
 */
import { invariant } from '@cometkms/invariant';
import type { PublicKey } from '@cometkms/sign-state';
import type { KeyBackend } from '../seams.js';
import { ExpandedKey } from './expanded-key.js';

export const seedBytes = 32;

export let revealSeed: (key: SoftwareKey) => Uint8Array;

export class SoftwareKey implements KeyBackend {
  readonly publicKey: PublicKey;
  /** Signing leaves no trace, so a signature made too early may be dropped. */
  readonly signsEarly = true;
  readonly #seed: Uint8Array;
  readonly #expanded: ExpandedKey;

  static {
    revealSeed = (key) => key.#seed.slice();
  }

  /** @param seed the 32 bytes of RFC 8032; copied, so the caller may wipe its own */
  constructor(seed: Uint8Array) {
    invariant(seed.length === seedBytes, 'an ed25519 seed has 32 bytes', { length: seed.length });
    this.#seed = seed.slice();
    this.#expanded = new ExpandedKey(this.#seed);
    this.publicKey = { type: 'ed25519', bytes: this.#expanded.publicKey };
  }

  /** Computed before it returns, so later changes of `bytes` do not matter. About 0.15 ms. */
  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#expanded.sign(bytes);
  }
}
