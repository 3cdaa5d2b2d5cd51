/**
 * What every home of a cluster begins with: a configuration, certificates, and the record of its cluster.
 *
 * Owns    its files and their modes, for `cluster init` and `cluster home` alike.
 * Never   writes data/ or priv/replica.json: those say that a replica joined, which only it can know.
 *         Never puts the authority's key into a home.
 */
import { join } from 'node:path';
import type { KeyedCertificate } from '@cometkms/consensus/authority';
import { type ScaffoldValues, scaffold } from '../config/scaffold.js';
import { homePaths, makeDirectory, writeNewFile } from '../home.js';
import {
  type GenesisFile,
  type JoinFile,
  writeGenesisFile,
  writeJoinFile,
} from '../home-records.js';

export interface NewHome {
  readonly config: ScaffoldValues;
  readonly authorityPem: string;
  readonly certificate: KeyedCertificate;
  readonly record:
    | { readonly kind: 'genesis'; readonly genesis: GenesisFile }
    | { readonly kind: 'join'; readonly join: JoinFile };
}

export async function writeHome(home: string, made: NewHome): Promise<void> {
  const paths = homePaths(home);
  const tls = join(home, 'tls');
  await makeDirectory(paths.priv);
  await makeDirectory(tls);
  await writeNewFile(paths.config, scaffold(made.config));
  if (made.record.kind === 'genesis') await writeGenesisFile(paths.genesis, made.record.genesis);
  else await writeJoinFile(paths.join, made.record.join);
  await writeNewFile(join(tls, 'ca.crt'), made.authorityPem);
  await writeNewFile(join(tls, 'replica.crt'), made.certificate.certificatePem);
  await writeNewFile(join(tls, 'replica.key'), made.certificate.privateKeyPem);
}

/** A witness signs for nobody, so its configuration knows no chain. */
export function withoutChain(values: ScaffoldValues): ScaffoldValues {
  const { chain_id: _chain, validator_addr: _validators, ...others } = values;
  return others;
}
