/**
 * A home that passes every check, with a sibling and a stranger to mix it up with.
 *
 * Owns    its making, and the ways in which tests go on from it.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeKeyFile, writeStateFile } from '@cometkms/signer';
import { type Checked, checkHome } from '../src/check-home.js';
import type { Flags } from '../src/config/layers.js';
import { loadSettings } from '../src/config/load.js';
import { homePaths } from '../src/home.js';
import { readGenesisFile, writeReplicaFile } from '../src/home-records.js';
import { around, keyOf, makeFleet, signedState } from './scratch-homes.js';

export interface World {
  readonly directory: string;
  readonly home: string;
  /** Another replica's home of the same cluster, and one of another cluster. */
  readonly sibling: string;
  readonly stranger: string;
  readonly key: string;
  readonly state: string;
}

export async function goodWorld(directory: string): Promise<World> {
  const [fleet, other] = [
    await makeFleet(directory),
    await makeFleet(directory, ['a', 'b'], 'other'),
  ];
  const home = fleet['a'] ?? '';
  const key = join(home, 'priv', 'priv_validator_key.json');
  const state = join(home, 'priv', 'priv_validator_state.json');
  await writeKeyFile(key, keyOf(1));
  await writeStateFile(state, await signedState(keyOf(1), 7n));
  return { directory, home, sibling: fleet['b'] ?? '', stranger: other['a'] ?? '', key, state };
}

export function check(world: World, flags: Flags): Promise<Checked> {
  return checkHome(loadSettings({ home: world.home, ...flags }, around(world.directory)));
}

export const tls = (name: string): string => join('tls', name);

export async function take(from: string, to: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) await copyFile(join(from, name), join(to, name));
}

export async function markJoined(world: World, over: object = {}): Promise<void> {
  const genesis = await readGenesisFile(join(world.home, 'genesis.json'));
  const { clusterId = '' } = genesis ?? {};
  const identity = genesis?.members.find((member) => member.name === 'a')?.identity ?? '';
  const joinedAt = '2026-01-02T00:00:00.000Z';
  const record = { clusterId, identity, name: 'a', joinedAt, ...over };
  await writeReplicaFile(homePaths(world.home).replica, record);
}

export async function keepLog(world: World): Promise<void> {
  const { wal } = homePaths(world.home);
  await mkdir(wal, { recursive: true });
  await writeFile(join(wal, '0001'), 'x');
}

/** Not those of the genesis. */
export const otherPeers = ['a=127.0.0.1:39430', 'b=127.0.0.1:39431', 'd=127.0.0.1:39432'];
