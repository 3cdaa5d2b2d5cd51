/**
 * cosmos/kms, one process with its file backend.
 *
 * Owns    its configuration: what `kms init` makes, with the chains to sign for.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@cometkms/interop';
import type { Peer } from '../peers/peer.js';
import { alone, ReplicaGroup } from './replica-group.js';
import type { ChainToSign, RunningSystem, System } from './system.js';

export const cosmosKms: Peer = {
  name: 'cosmos-kms',
  program: 'kms',
  origin: { kind: 'go', source: 'kms', main: './cmd/kms' },
  system: (program): System => ({
    name: 'cosmos-kms',
    title: 'cosmos/kms, alone',
    replicas: 1,
    durability: 'synced',
    mostChains: 256,
    mostExtensionBytes: 64 * 1024,
    version: async () => (await run(program, ['version'])).trim(),
    start: (directory, chains) => start(program, directory, chains),
  }),
};

async function start(
  program: string,
  directory: string,
  chains: readonly ChainToSign[],
): Promise<RunningSystem> {
  const home = join(directory, 'kms');
  await run(program, ['init', '--home', home]);
  // JSON is YAML.
  const config = {
    chains: chains.map(({ chainId }) => ({ id: chainId })),
    validators: chains.map(({ chainId, validator }) => ({
      chain_id: chainId,
      addr: validator,
      identity_key: 'identity.json',
    })),
    keys: chains.map(({ chainId, keyHome }) => ({
      chain_ids: [chainId],
      backend: 'file',
      // Its page says that this is the default; v0.1.0 stops without it.
      algorithm: 'ed25519',
      key_file: join(keyHome, 'config', 'priv_validator_key.json'),
    })),
  };
  writeFileSync(join(home, 'kms.yaml'), JSON.stringify(config, null, 2));
  const fresh = chains.flatMap(({ chainId }) => ['--allow-fresh-state', chainId]);
  const args = ['start', '--home', home, ...fresh];
  return new ReplicaGroup(directory, [{ name: 'kms', command: program, args }], alone);
}
