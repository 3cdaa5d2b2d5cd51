/**
 * tmkms, one process with its software signer.
 *
 * Owns    its configuration: what `tmkms init` makes, with the chains to sign for.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@cometkms/interop';
import type { Peer } from '../peers/peer.js';
import { alone, ReplicaGroup } from './replica-group.js';
import type { ChainToSign, RunningSystem, System } from './system.js';

export const tmkms: Peer = {
  name: 'tmkms',
  program: 'tmkms',
  origin: { kind: 'crate', crate: 'tmkms', version: '0.15.0', features: 'softsign' },
  system: (program): System => ({
    name: 'tmkms',
    title: 'tmkms, alone',
    replicas: 1,
    durability: 'written, not synced',
    mostChains: 256,
    // With `sign_extensions = true` too, its answers carry no signature of the extension.
    mostExtensionBytes: 0,
    version: async () => (await run(program, ['version'])).trim(),
    start: (directory, chains) => start(program, directory, chains),
  }),
};

async function start(
  program: string,
  directory: string,
  chains: readonly ChainToSign[],
): Promise<RunningSystem> {
  const home = join(directory, 'tmkms');
  // Makes the identity, and a configuration for a chain that is not ours.
  await run(program, ['init', home]);
  const config = join(home, 'tmkms.toml');
  const keys = new Map<string, string>();
  for (const { keyHome } of chains) {
    if (keys.has(keyHome)) continue;
    const key = join(home, 'secrets', `consensus-${keys.size + 1}.key`);
    const from = join(keyHome, 'config', 'priv_validator_key.json');
    await run(program, ['softsign', 'import', from, key]);
    keys.set(keyHome, key);
  }
  mkdirSync(join(home, 'state'), { recursive: true });
  writeFileSync(
    config,
    [
      ...chains.map((chain) => chainTables(home, chain)),
      ...[...keys].map(([keyHome, path]) => {
        const ids = chains.filter((chain) => chain.keyHome === keyHome).map((c) => c.chainId);
        return table('[providers.softsign]', { chain_ids: ids, key_type: 'consensus', path });
      }),
    ].join('\n'),
  );
  const command = { name: 'tmkms', command: program, args: ['start', '-c', config] };
  return new ReplicaGroup(directory, [command], alone);
}

function chainTables(home: string, { chainId, validator }: ChainToSign): string {
  const chain = table('[chain]', {
    id: chainId,
    key_format: { type: 'hex' },
    state_file: join(home, 'state', `${chainId}.json`),
  });
  const link = table('[validator]', {
    chain_id: chainId,
    addr: validator,
    secret_key: join(home, 'secrets', 'kms-identity.key'),
    protocol_version: 'v0.38',
    reconnect: true,
  });
  return `${chain}\n${link}`;
}

type Value = string | boolean | readonly string[] | Readonly<Record<string, string>>;

function table(name: string, values: Readonly<Record<string, Value>>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${toml(value)}`);
  return [`[${name}]`, ...lines, ''].join('\n');
}

function toml(value: Value): string {
  if (typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, text]) => `${key} = ${JSON.stringify(text)}`)
    .join(', ')} }`;
}
