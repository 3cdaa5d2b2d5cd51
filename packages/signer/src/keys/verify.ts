/**
 * The verification of every signature, before it leaves.
 *
 * Owns    ed25519 verification by the platform's OpenSSL, from the public key of the record alone.
 * Never   sees a private key, or takes a signer's word for what its key is.
 * Rule    RFC 8032, 5.1.7; RFC 8410, 4 for the frame around the public key.
 */
import { createPublicKey, verify } from 'node:crypto';
import { invariant } from '@cometkms/invariant';
import type { PublicKey } from '@cometkms/sign-state';

/** @returns whether `signature` is the key's signature over exactly `bytes` */
export type Verifier = (bytes: Uint8Array, signature: Uint8Array) => boolean;

/** SubjectPublicKeyInfo of ed25519 (RFC 8410): everything before the 32 bytes of the key. */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** The key is parsed once, not per signature. */
export function verifierFor(publicKey: PublicKey): Verifier {
  invariant(
    publicKey.type === 'ed25519' && publicKey.bytes.length === 32,
    'only ed25519 keys reach the verifier',
    { type: publicKey.type, length: publicKey.bytes.length },
  );
  const der = Buffer.concat([spkiPrefix, publicKey.bytes]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return (bytes, signature) => verify(null, bytes, key, signature);
}
