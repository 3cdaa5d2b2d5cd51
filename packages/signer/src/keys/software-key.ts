/**
 * An ed25519 key in the memory of this process.
 *
 * Owns    signing with it by the platform's OpenSSL, and the trial of the key by a second implementation (noble) before
 *         it is used: ed25519 is deterministic, so two right ones give the same bytes.
 * Never   shows the seed: not in errors, logs, `inspect`, JSON or a structured clone. `revealSeed` is for key-file.ts
 *         alone and is not exported from the package.
 * Rule    RFC 8032, 5.1.6; RFC 8410 for the frames around the bytes. docs/decisions/0010: why not noble alone.
 * Proof   conformance/key-backend.ts; test/keys.test.ts (vectors of CometBFT's fixture key; noble's signatures)
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { invariant } from '@cometkms/invariant';
import type { PublicKey } from '@cometkms/sign-state';
import { hashes, sign as signByNoble } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import type { KeyBackend } from '../seams.js';

// noble's synchronous functions have no hash until they are given one.
hashes.sha512 = sha512;

export const seedBytes = 32;
const publicBytes = 32;

/** PrivateKeyInfo of ed25519 (RFC 8410): everything before the 32 bytes of the seed. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

export let revealSeed: (key: SoftwareKey) => Uint8Array;

export class SoftwareKey implements KeyBackend {
  readonly publicKey: PublicKey;
  /** Signing leaves no trace, so a signature made too early may be dropped. */
  readonly signsEarly = true;
  readonly #private: KeyObject;

  static {
    revealSeed = (key) =>
      key.#private.export({ format: 'der', type: 'pkcs8' }).subarray(pkcs8Prefix.length);
  }

  /** @param seed the 32 bytes of RFC 8032; copied, so the caller may wipe its own */
  constructor(seed: Uint8Array) {
    invariant(seed.length === seedBytes, 'an ed25519 seed has 32 bytes', { length: seed.length });
    const der = Buffer.concat([pkcs8Prefix, seed]);
    this.#private = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    const spki = createPublicKey(this.#private).export({ format: 'der', type: 'spki' });
    this.publicKey = { type: 'ed25519', bytes: new Uint8Array(spki.subarray(-publicBytes)) };
    // The public key goes into each signature, so this compares it as well.
    const trial = Buffer.from(signByNoble(this.publicKey.bytes, seed));
    invariant(
      trial.equals(sign(null, this.publicKey.bytes, this.#private)),
      'two implementations of ed25519 make the same signature',
    );
  }

  /** Computed before it returns, so later changes of `bytes` do not matter. */
  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(sign(null, bytes, this.#private));
  }
}
