/**
 * Signatures over as many bytes as a vote has, by each library that the signer uses.
 *
 * Owns    one key in both libraries. They take turns.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import * as noble from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { inBlocks, tell } from './counting.js';

/** Canonical sign bytes of a vote for a block, with a chain id of usual length. */
const MESSAGE_BYTES = 120;
/** RFC 8410: everything before the 32 bytes of the key. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');

noble.hashes.sha512 = sha512;
const [count = ''] = process.argv.slice(2);
const message = randomBytes(MESSAGE_BYTES);
const seed = randomBytes(32);
const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' });
const publicKey = createPublicKey(key);
const publicBytes = noble.getPublicKey(seed);
const signature = noble.sign(message, seed);

const must = (valid: boolean): void => {
  if (!valid) throw new Error('a signature does not verify');
};
const found = await inBlocks(Number(count), {
  'sign, noble': () => void noble.sign(message, seed),
  'sign, OpenSSL': () => void sign(null, message, key),
  'verify, noble': () => must(noble.verify(signature, message, publicBytes)),
  'verify, OpenSSL': () => must(verify(null, message, publicKey, signature)),
});
tell(found);
