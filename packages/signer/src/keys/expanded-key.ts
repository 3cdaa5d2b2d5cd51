/**
 * An ed25519 key with its SHA-512 and its public key computed once, not with each signature.
 *
 * Owns    the four lines of RFC 8032, 5.1.6 that are left; arithmetic, points and hash are noble's. Noble's own `sign`
 *         takes the seed each time, and so multiplies the base point twice: 0.30 ms instead of 0.15.
 * Never   releases anything: OpenSSL verifies each signature first (verify.ts), so a slip here is a refusal.
 * Rule    RFC 8032, 5.1.5 and 5.1.6. Deterministic: the nonce comes from key and message alone, never from outside.
 * Proof   test/keys.test.ts: the vectors of Go, and noble's `sign` and OpenSSL's for any key and message.
 */
import { etc, hashes, Point, utils } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';

// noble's synchronous functions have no hash until they are given one.
hashes.sha512 = sha512;

const { n: order } = Point.CURVE();

export class ExpandedKey {
  readonly publicKey: Uint8Array;
  readonly #prefix: Uint8Array;
  readonly #scalar: bigint;

  /** @param seed the 32 bytes of RFC 8032 */
  constructor(seed: Uint8Array) {
    const { prefix, scalar, pointBytes } = utils.getExtendedPublicKey(seed);
    this.publicKey = pointBytes;
    this.#prefix = prefix;
    this.#scalar = scalar;
  }

  sign(message: Uint8Array): Uint8Array {
    const r = hashedScalar(this.#prefix, message);
    const bigR = Point.BASE.multiply(r).toBytes();
    const k = hashedScalar(bigR, this.publicKey, message);
    return etc.concatBytes(bigR, littleEndian(etc.mod(r + k * this.#scalar, order)));
  }
}

/** SHA-512 over all parts, as a little-endian number, modulo the order of the base point. */
function hashedScalar(...parts: readonly Uint8Array[]): bigint {
  const hash = sha512(etc.concatBytes(...parts));
  return etc.mod(BigInt(`0x${etc.bytesToHex(hash.reverse())}`), order);
}

const littleEndian = (scalar: bigint): Uint8Array =>
  etc.hexToBytes(scalar.toString(16).padStart(64, '0')).reverse();
