/**
 * The identity of a replica that has no certificate: drawn once, at its first start.
 *
 * Owns    `priv/identity`: the one place where it stands until the replica has joined.
 * Never   draws a second one for a home that has one.
 * Rule    docs/architecture.md, founding and identity.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checked } from '../check-home.js';
import { CmkmsError } from '../errors.js';
import { isMissing, makeDirectory, writeNewFile } from '../home.js';

const pattern = /^[0-9a-f]{64}$/;

/** @throws CmkmsError RECORD_DAMAGED */
export async function identityOf(checked: Checked): Promise<string> {
  const known = checked.tls?.certificate.identity ?? checked.replica?.identity;
  if (known !== undefined) return known;
  const path = join(checked.paths.priv, 'identity');
  try {
    const text = (await readFile(path, 'utf8')).trim();
    if (pattern.test(text)) return text;
    throw new CmkmsError('RECORD_DAMAGED', { path, detail: 'it is no identity' });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  // Durable before anybody hears it: founding writes it into every member's genesis.
  const identity = randomBytes(32).toString('hex');
  await makeDirectory(checked.paths.priv);
  await writeNewFile(path, `${identity}\n`);
  return identity;
}
