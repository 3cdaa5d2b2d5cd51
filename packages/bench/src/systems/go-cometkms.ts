/**
 * The Go CometKMS, three replicas.
 *
 * Owns    its homes as `init` makes them, and the flags of its README.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, run } from '@cometkms/interop';
import type { Peer } from '../peers/peer.js';
import { ReplicaGroup } from './replica-group.js';
import type { ChainToSign, RunningSystem, System } from './system.js';

const expected = 'v1.0.3';

export const goCometkms: Peer = {
  name: 'go-cometkms',
  program: 'cometkms',
  origin: { kind: 'go', source: 'CometKMS', main: './cmd/cmkms' },
  system: (program): System => ({
    name: 'go-cometkms',
    title: 'the Go CometKMS, three replicas',
    replicas: 3,
    durability: 'signed, then synced on a majority',
    // A process has one --chain-id.
    mostChains: 1,
    // A larger message than 10 KiB ends the link.
    mostExtensionBytes: 9 * 1024,
    version: async () => `says no version; ${expected} is expected`,
    start: (directory, chains) => start(program, directory, chains),
  }),
};

async function start(
  program: string,
  directory: string,
  chains: readonly ChainToSign[],
): Promise<RunningSystem> {
  const [chain, ...more] = chains;
  if (chain === undefined || more.length > 0) throw new Error('one of it signs for one chain');
  const names = ['kms-1', 'kms-2', 'kms-3'];
  const ports = await freePorts(2 * names.length);
  const replicas = names.map((name, i) => ({
    name,
    home: join(directory, name),
    raft: `127.0.0.1:${ports[2 * i]}`,
    http: `127.0.0.1:${ports[2 * i + 1]}`,
  }));
  // The same list, in the same order, for each of them.
  const peers = replicas.flatMap(({ name, raft }) => ['--peer', `${name}=${raft}`]);
  for (const { home } of replicas) {
    await run(program, ['init', '--home', home]);
    for (const file of ['config/priv_validator_key.json', 'data/priv_validator_state.json']) {
      cpSync(join(chain.keyHome, file), join(home, 'priv', file.replace(/^.*\//, '')));
    }
  }
  const commands = replicas.map(({ name, home, raft, http }) => ({
    name,
    command: program,
    args: [
      ...['start', '--home', home, '--id', name, '--raft-addr', raft, '--http-addr', http],
      ...['--validator-addr', chain.validator, '--chain-id', chain.chainId, ...peers],
    ],
  }));
  return new ReplicaGroup(directory, commands, {
    leaderKnownTo: async (name) => {
      const http = replicas.find((replica) => replica.name === name)?.http;
      return leaderAt(`http://${http}/status`);
    },
  });
}

/** Undefined where it does not answer, or knows none. */
async function leaderAt(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) });
    const { leader_id: leader } = (await answer.json()) as { readonly leader_id?: string };
    return leader || undefined;
  } catch {
    // Down, frozen, or not there yet: the caller asks again.
    return undefined;
  }
}
