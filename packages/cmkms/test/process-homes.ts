/**
 * What an operator types at several machines, here on one: homes with a key, and the flags of each replica.
 *
 * Owns    the homes, the ports and the flags. Nothing of it is a configuration file.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeKeyFile } from '@cometkms/signer';
import { freePorts, until } from './cluster.js';
import { CHAIN, keyOf } from './scratch-homes.js';

export interface Place {
  readonly name: string;
  readonly home: string;
  readonly raftPort: number;
  readonly httpPort: number;
  /** Of the Go program's README, with `--allow-fresh-state`. */
  readonly args: readonly string[];
}

/** A home as the Go program's users make it: a directory with the key, and nothing else. */
export async function makeHome(home: string): Promise<void> {
  await mkdir(join(home, 'priv'), { recursive: true, mode: 0o700 });
  await writeKeyFile(join(home, 'priv', 'priv_validator_key.json'), keyOf(1));
}

export async function makePlaces(
  directory: string,
  names: readonly string[],
  validators: readonly string[],
): Promise<readonly Place[]> {
  const ports = await freePorts(2 * names.length);
  const raft = (i: number): string => `127.0.0.1:${ports[i]}`;
  const peers = names.flatMap((name, i) => ['--peer', `${name}=${raft(i)}`]);
  const places = names.map((name, i): Place => {
    const home = join(directory, name);
    const httpPort = ports[names.length + i] ?? 0;
    const network = names.length === 1 ? ['--solo'] : [...peers, '--insecure-raft'];
    return {
      name,
      home,
      raftPort: ports[i] ?? 0,
      httpPort,
      args: [
        ...['start', '--home', home, '--id', name],
        ...(names.length === 1 ? [] : ['--raft-addr', raft(i)]),
        ...['--http-addr', `127.0.0.1:${httpPort}`, ...network],
        ...['--chain-id', CHAIN, ...validators.flatMap((v) => ['--validator-addr', v])],
        ...['--allow-fresh-state', CHAIN, '--log-format', 'json'],
      ],
    };
  });
  for (const { home } of places) await makeHome(home);
  return places;
}

export interface StatusSaid {
  readonly is_leader: boolean;
  readonly leader_id: string;
  readonly ready: boolean;
  readonly term: number;
}

/** Undefined where nobody answers. */
export async function statusAt({ httpPort }: Place): Promise<StatusSaid | undefined> {
  try {
    const signal = AbortSignal.timeout(2000);
    const answer = await fetch(`http://127.0.0.1:${httpPort}/status`, { signal });
    return (await answer.json()) as StatusSaid;
  } catch {
    return undefined;
  }
}

/** The place whose replica says that it leads. */
export async function leaderOf(places: readonly Place[], except?: Place): Promise<Place> {
  return await until('a leader', async () => {
    for (const place of places) {
      if (place !== except && (await statusAt(place))?.is_leader) return place;
    }
    return undefined;
  });
}
