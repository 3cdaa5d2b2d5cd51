/**
 * Horcrux, three cosigners of which two sign.
 *
 * Owns    its homes: `config init` with its own defaults, and a shard of each key.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, run } from '@cometkms/interop';
import type { Peer } from '../peers/peer.js';
import { ReplicaGroup } from './replica-group.js';
import type { ChainToSign, RunningSystem, System } from './system.js';

const expected = 'v3.3.2';
const SHARDS = 3;
const THRESHOLD = 2;

export const horcrux: Peer = {
  name: 'horcrux',
  program: 'horcrux',
  // Without the workspace file of its repository, go looks at the program's own module alone.
  origin: { kind: 'go', source: 'horcrux', main: './cmd/horcrux', env: { GOWORK: 'off' } },
  system: (program): System => ({
    name: 'horcrux',
    title: 'Horcrux, 2 of 3',
    replicas: SHARDS,
    durability: 'synced on a majority, unless that fails; files in the background',
    // Each has three shards of a key to be made first: 256 take the better part of a minute.
    mostChains: 64,
    mostExtensionBytes: 64 * 1024,
    version: () => version(program),
    start: (directory, chains) => start(program, directory, chains),
  }),
};

async function version(program: string): Promise<string> {
  const said = /"version": "([^"]+)"/.exec(await run(program, ['version']))?.[1];
  return said ?? `says no version; ${expected} is expected`;
}

async function start(
  program: string,
  directory: string,
  chains: readonly ChainToSign[],
): Promise<RunningSystem> {
  const ports = await freePorts(SHARDS);
  const cosigners = ports.map((port, i) => ({
    name: `cosigner-${i + 1}`,
    address: `tcp://127.0.0.1:${port}`,
    home: join(directory, `cosigner-${i + 1}`),
    shards: join(directory, 'shards', `cosigner_${i + 1}`),
  }));
  const cluster = [
    ...chains.flatMap(({ validator }) => ['--node', validator]),
    ...cosigners.flatMap(({ address }) => ['--cosigner', address]),
    ...['--threshold', `${THRESHOLD}`],
  ];
  for (const { home } of cosigners) {
    // Timeouts stay at 500 ms, its default: its guide for operators has 1 s, with which it fails over later.
    await run(program, ['--home', home, 'config', 'init', ...cluster]);
  }
  const counts = ['--shards', `${SHARDS}`, '--out', join(directory, 'shards')];
  const home = cosigners[0]?.home ?? '';
  await run(program, ['--home', home, 'create-ecies-shards', ...counts]);
  for (const { chainId, keyHome } of chains) {
    const key = join(keyHome, 'config', 'priv_validator_key.json');
    const of = ['--chain-id', chainId, '--key-file', key, '--threshold', `${THRESHOLD}`];
    await run(program, ['--home', home, 'create-ed25519-shards', ...of, ...counts]);
  }
  for (const cosigner of cosigners) cpSync(cosigner.shards, cosigner.home, { recursive: true });
  const commands = cosigners.map(({ name, home: own }) => ({
    name,
    command: program,
    args: ['--home', own, 'start'],
  }));
  return new ReplicaGroup(directory, commands, {
    leaderKnownTo: (name) => leaderKnownTo(program, join(directory, name)),
  });
}

/** It asks the cosigner of that home. Undefined where that does not answer, or knows none. */
async function leaderKnownTo(program: string, home: string): Promise<string | undefined> {
  try {
    // Its own patience with one that is frozen is half a minute.
    const said = await run(program, ['--home', home, 'leader'], { withinMs: 2000 });
    const shard = /Current leader: (\d+)/.exec(said)?.[1];
    return shard === undefined ? undefined : `cosigner-${shard}`;
  } catch {
    // Down, frozen, or not there yet: the caller asks again.
    return undefined;
  }
}
