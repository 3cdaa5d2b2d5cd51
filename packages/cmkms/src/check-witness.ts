/**
 * What the home of a witness must not hold: a key, or a chain to sign for.
 *
 * Owns    this refusal. A key in the home of a witness is a copy that nobody counts on, on the machine that is
 *         trusted least.
 * Never   moves or deletes what it finds.
 * Rule    docs/architecture.md, consensus 9.
 * Proof   test/cli-witness.test.ts.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readReplicaCertificate } from '@cometkms/consensus';
import type { Settings } from './config/settings.js';
import { CmkmsError } from './errors.js';
import { type HomePaths, isMissing } from './home.js';
import { readGenesisFile, readJoinFile } from './home-records.js';

/** A consensus key of any kind that we read is far smaller. */
const MAX_KEY_BYTES = 64 * 1024;

/** @throws CmkmsError WITNESS_CHAIN, WITNESS_KEY */
export async function checkWitness(
  settings: Pick<Settings, 'chains'>,
  paths: HomePaths,
): Promise<void> {
  const [chain] = settings.chains;
  if (chain !== undefined) {
    throw new CmkmsError('WITNESS_CHAIN', { chainId: chain.id, where: chain.where });
  }
  const path = await keyIn(paths.priv);
  if (path !== null) throw new CmkmsError('WITNESS_KEY', { path });
}

/**
 * Whether a key may be brought here, before this home is ever started.
 * @throws CmkmsError WITNESS_HOME, RECORD_DAMAGED
 */
export async function refuseWitnessHome(paths: HomePaths): Promise<void> {
  const joining = await readJoinFile(paths.join);
  const witnesses = (await readGenesisFile(paths.genesis))?.members.filter((m) => m.witness) ?? [];
  const own = witnesses.length === 0 ? null : await identityIn(paths);
  const founded = witnesses.some(({ identity }) => identity === own);
  if (joining?.witness || founded) throw new CmkmsError('WITNESS_HOME', { home: paths.home });
}

/** Null: no certificate lies where `cluster init` put it. */
async function identityIn({ home }: HomePaths): Promise<string | null> {
  try {
    return readReplicaCertificate(await readFile(join(home, 'tls', 'replica.crt'))).identity;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** By what is in it, under whatever name. */
async function keyIn(directory: string): Promise<string | null> {
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    const found = await stat(path);
    if (!found.isFile() || found.size > MAX_KEY_BYTES) continue;
    if ((await readFile(path, 'latin1')).includes('"priv_key"')) return path;
  }
  return null;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory, { recursive: true })).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
