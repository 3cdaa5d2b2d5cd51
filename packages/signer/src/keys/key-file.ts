/**
 * priv_validator_key.json, in CometBFT's format.
 *
 * Owns    reading it with every check, and writing it for an import.
 * Never   quotes the file in an error: the parser's own message would contain key bytes.
 * Rule    CometBFT privval/file.go (`FilePVKey`), crypto/ed25519. Stricter than upstream, which derives the public
 *         key and the address and ignores what the file says: a file that contradicts itself was mixed from two.
 * Proof   test/key-file.test.ts
 */
import { createHash } from 'node:crypto';
import type { PublicKey } from '@cometkms/sign-state';
import { replaceFile } from '../atomic-file.js';
import { SignerError } from '../errors.js';
import { readPlainFile } from '../plain-file.js';
import { revealSeed, SoftwareKey, seedBytes } from './software-key.js';

const publicType = 'tendermint/PubKeyEd25519';
const privateType = 'tendermint/PrivKeyEd25519';
/** seed || public key, as Go's crypto/ed25519 keeps it. */
const privateBytes = 64;

/** The validator's address: 40 upper-case hex digits, SHA-256 of the public key cut to 20 bytes. */
export function addressOf(publicKey: PublicKey): string {
  const digest = createHash('sha256').update(publicKey.bytes).digest();
  return digest.subarray(0, 20).toString('hex').toUpperCase();
}

/**
 * @throws SignerError SIGNER_KEY_MISSING  no such file
 * @throws SignerError SIGNER_FILE_KIND, SIGNER_FILE_FAILED  a link, a pipe, or not readable
 * @throws SignerError SIGNER_KEY_MODE  group or others may read, write or run it
 * @throws SignerError SIGNER_KEY_DAMAGED, SIGNER_KEY_TYPE, SIGNER_KEY_MISMATCH  by what it holds
 */
export async function readKeyFile(path: string): Promise<SoftwareKey> {
  const file = await readPlainFile(path);
  if (file === null) throw new SignerError('SIGNER_KEY_MISSING', { path });
  if ((file.mode & 0o077) !== 0) throw modeError(path, file.mode);
  return parseKeyFile(file.bytes.toString('utf8'), path);
}

/** Atomic and durable, mode 0600. @throws SignerError SIGNER_FILE_FAILED */
export async function writeKeyFile(path: string, key: SoftwareKey): Promise<void> {
  const seed = revealSeed(key);
  const publicBytes = key.publicKey.bytes;
  const file = {
    address: addressOf(key.publicKey),
    pub_key: { type: publicType, value: Buffer.from(publicBytes).toString('base64') },
    priv_key: { type: privateType, value: Buffer.concat([seed, publicBytes]).toString('base64') },
  };
  await replaceFile(path, Buffer.from(JSON.stringify(file, null, 2)));
}

/** @param path for errors only */
function parseKeyFile(text: string, path: string): SoftwareKey {
  const names = ['address', 'pub_key', 'priv_key'];
  const file = fieldsOf(parseJson(text, path), names, 'it', path);
  const { address: said, pub_key, priv_key } = file;
  const pub = typedValue(pub_key, 'pub_key', publicType, path);
  const priv = typedValue(priv_key, 'priv_key', privateType, path);
  if (priv.length !== privateBytes) {
    throw damaged(path, `priv_key has ${priv.length} bytes, not ${privateBytes}`);
  }
  const key = new SoftwareKey(priv.subarray(0, seedBytes));
  const address = addressOf(key.publicKey);
  if (typeof said !== 'string') throw damaged(path, 'address is not a string');
  // Three copies, all derived from the seed. What the file says instead is never quoted: who
  // mixed up the fields may have put the private key there.
  const derived = Buffer.from(key.publicKey.bytes);
  if (!derived.equals(priv.subarray(seedBytes)) || !derived.equals(pub)) {
    throw new SignerError('SIGNER_KEY_MISMATCH', {
      path,
      field: derived.equals(pub) ? 'priv_key' : 'pub_key',
      derived: derived.toString('base64'),
    });
  }
  if (said !== address) {
    throw new SignerError('SIGNER_KEY_MISMATCH', { path, field: 'address', derived: address });
  }
  return key;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without `cause`: the parser quotes the text around the fault.
    throw damaged(path, 'it is not JSON');
  }
}

function fieldsOf(
  value: unknown,
  names: readonly string[],
  what: string,
  path: string,
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw damaged(path, `${what} is not an object`);
  }
  const found = Object.keys(value).sort().join(', ');
  if (found !== [...names].sort().join(', ')) {
    throw damaged(path, `${what} must have the fields ${names.join(', ')} and no others`);
  }
  return value as Record<string, unknown>;
}

function typedValue(value: unknown, field: string, type: string, path: string): Buffer {
  const { type: found, value: encoded } = fieldsOf(value, ['type', 'value'], field, path);
  if (typeof found !== 'string') throw damaged(path, `the type of ${field} is not a string`);
  if (found !== type) throw new SignerError('SIGNER_KEY_TYPE', { path, type: found });
  if (typeof encoded !== 'string') throw damaged(path, `the value of ${field} is not a string`);
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer skips what is not base64; only the way back shows it.
  if (bytes.toString('base64') !== encoded) throw damaged(path, `${field} is not base64`);
  return bytes;
}

function modeError(path: string, mode: number): SignerError {
  const group = (mode & 0o070) !== 0;
  const others = (mode & 0o007) !== 0;
  const readableBy = group && others ? 'its group and everyone' : group ? 'its group' : 'everyone';
  const octal = `0${mode.toString(8).padStart(3, '0')}`;
  return new SignerError('SIGNER_KEY_MODE', { path, mode: octal, readableBy });
}

function damaged(path: string, detail: string): SignerError {
  return new SignerError('SIGNER_KEY_DAMAGED', { path, detail });
}
