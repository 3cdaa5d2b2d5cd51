/**
 * `cmkms cluster cert renew`: a new certificate for the same key pair.
 *
 * Owns    that it is made where the authority is, from the old certificate alone: no private key of a replica
 *         travels, and the authority's never comes near a replica.
 * Never   changes an identity: that is the public key, and it stays.
 * Proof   test/cli-cluster-home.test.ts.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConsensusError, readReplicaCertificate } from '@cometkms/consensus';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isMissing, writeNewFile } from '../home.js';
import { readAuthority } from './authority.js';
import type { Terminal } from './terminal.js';

export interface CertRenewFlags {
  readonly ca: string;
  readonly cert: string;
  readonly out: string;
  readonly json?: boolean;
}

const command = 'cmkms cluster cert renew';

/** @throws CmkmsError AUTHORITY, EXISTS, USAGE */
export async function certRenewCommand(
  flags: CertRenewFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const around = terminal.around.workingDirectory;
  const authority = await readAuthority(resolve(around, flags.ca));
  const old = await readCertificate(resolve(around, flags.cert), command);
  const { renewReplicaCertificate } = await import('@cometkms/consensus/authority');
  let renewed: string;
  try {
    renewed = await renewReplicaCertificate(authority, old);
  } catch (error) {
    throw unusable(flags.cert, error, command);
  }
  const out = resolve(around, flags.out);
  await writeNewFile(out, renewed);
  const { replicaName, identity, notAfter } = readReplicaCertificate(renewed);
  const until = notAfter.toISOString().slice(0, 10);
  const said = { id: replicaName, identity, not_after: notAfter.toISOString(), path: out };
  const lines = [
    `${out}: ${replicaName}, until ${until}`,
    `identity ${identity}, as before`,
    `next: on the machine of ${replicaName}, put it in the place of tls/replica.crt (mode 0600), then`,
    '  cmkms check, and a restart; the other replicas notice nothing but that',
  ];
  terminal.out(
    flags.json === true ? `${JSON.stringify(said, null, 2)}\n` : `${lines.join('\n')}\n`,
  );
  return EXIT.OK;
}

/** Its text. @throws CmkmsError USAGE  it is missing, or of no replica */
export async function readCertificate(path: string, forCommand: string): Promise<string> {
  try {
    const pem = await readFile(path, 'utf8');
    readReplicaCertificate(pem);
    return pem;
  } catch (error) {
    throw unusable(path, error, forCommand);
  }
}

function unusable(path: string, error: unknown, forCommand: string): unknown {
  const facts = (problem: string) => ({ problem, command: forCommand });
  if (isMissing(error)) return new CmkmsError('USAGE', facts(`--cert ${path}: no such file`));
  if (!(error instanceof ConsensusError)) return error;
  return new CmkmsError('USAGE', facts(`--cert ${path}: ${error.message}`), { cause: error });
}
