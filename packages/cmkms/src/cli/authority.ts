/**
 * The authority of a cluster, as `cluster init` wrote it: ca.crt and ca.key in one directory.
 *
 * Owns    reading it, and that its two halves belong together.
 * Never   copies its key anywhere: who has it can make replicas.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyedCertificate } from '@cometkms/consensus/authority';
import { CmkmsError } from '../errors.js';
import { isMissing } from '../home.js';

export interface Authority extends KeyedCertificate {
  readonly clusterId: string;
}

/** @throws CmkmsError AUTHORITY, PERMISSION */
export async function readAuthority(directory: string): Promise<Authority> {
  const [certificatePath, keyPath] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  const certificatePem = await readPem(certificatePath);
  const privateKeyPem = await readPem(keyPath);
  const certificate = usable(certificatePath, () => new X509Certificate(certificatePem));
  const key = usable(keyPath, () => createPrivateKey(privateKeyPem));
  if (!certificate.checkPrivateKey(key)) {
    const detail = 'it is not the private key of ca.crt beside it';
    throw new CmkmsError('AUTHORITY', { path: keyPath, detail });
  }
  const clusterId = /^CN=CometKMS (\S+)$/m.exec(certificate.subject)?.[1];
  if (!certificate.ca || clusterId === undefined) {
    const detail = 'it is not the authority of a cluster';
    throw new CmkmsError('AUTHORITY', { path: certificatePath, detail });
  }
  return { certificatePem, privateKeyPem, clusterId };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new CmkmsError('AUTHORITY', { path, detail: 'it is missing' }, { cause: error });
  }
}

function usable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const detail = (cause as Error).message.split('\n')[0] ?? '';
    throw new CmkmsError('AUTHORITY', { path, detail }, { cause });
  }
}
