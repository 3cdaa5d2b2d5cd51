/**
 * A cluster of real replicas: homes made by `cmkms cluster init`, keys by `cmkms import filepv`, one process each.
 *
 * Owns    what an operator would do at three machines, on one.
 * Never   reaches into a replica: it uses the command line, the admin socket, HTTP, and signals.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adminRequest } from 'cmkms/admin';
import { freePorts, ManagedProcess, run, until } from './processes.js';

const TRANSFER_WITHIN_MS = 30_000;

export const cmkmsPath = fileURLToPath(new URL('../../../cmkms/bin/cmkms.mjs', import.meta.url));

/** `cmkms ARGS...`, to its end. @throws where it refuses, with its words */
export function cmkms(...args: readonly string[]): Promise<string> {
  return run(process.execPath, [cmkmsPath, ...args]);
}

export interface FleetOptions {
  /** Fresh; homes, logs and the CA go here. */
  readonly directory: string;
  readonly chainId: string;
  /** `priv_validator_laddr` of each validator, the same list on every replica. */
  readonly validators?: readonly string[];
  /** Instead of it: the [[chain]] tables of one replica. */
  readonly tables?: (replica: string) => readonly ChainTable[];
  /** Homes of nodes, each with the key (and state) to take over. */
  readonly importFrom: string | readonly string[];
  /** One is run with `solo = true`. */
  readonly replicas?: number;
  /** Lines of config.toml that are commented out there: `raft.profile` to `"wan"`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** States that the key never signed, as an operator does for a new chain. */
  readonly neverSigned?: boolean;
  readonly extraArgs?: readonly string[];
  /** For Node itself: `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  /** Of each replica beside this process's own. Not of its launcher: only a replica itself is to be preloaded into. */
  readonly environment?: (replica: string) => Readonly<Record<string, string>>;
  /** Where each replica runs. By default on free ports of this machine's loopback. */
  readonly places?: readonly ReplicaPlace[];
}

/** Where a replica runs, where that is not simply this machine. */
export interface ReplicaPlace {
  /** What the others dial: host:port. */
  readonly raftAddress: string;
  readonly httpHost: string;
  readonly httpPort: number;
  /** Runs the command that follows it: `nsenter --net=...`. */
  readonly launcher: readonly string[];
  readonly args: readonly string[];
}

/** One key of a chain. */
export interface ChainTable {
  /** By default the fleet's. */
  readonly chainId?: string;
  /** Of the key: 40 hex digits. */
  readonly address: string;
  readonly validators: readonly string[];
  /** The file of its state, below the home; by default beside the key. One key may sign for several chains. */
  readonly state?: string;
}

/** The part of /status that tests look at. */
export interface FleetStatus {
  readonly is_leader: boolean;
  readonly leader_id: string;
  readonly ready: boolean;
  /** Why it is not. */
  readonly reasons: readonly { readonly code: string; readonly detail: string }[];
  readonly term: number;
  readonly applied_index: string | null;
  readonly chains: readonly {
    readonly chain_id: string;
    readonly key_address: string;
    readonly halt_height: string | null;
    readonly last_sign_state: { readonly height: string } | null;
    readonly validators: readonly {
      readonly addr: string;
      readonly state: string;
      /** When it came into this state. */
      readonly since: string;
    }[];
  }[];
}

/** Up to five, in the order of their places. */
export function fleetNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `kms-${'abcde'[i]}`);
}

export interface FleetReplica {
  readonly name: string;
  readonly home: string;
  readonly place: ReplicaPlace;
  readonly httpPort: number;
  readonly logPath: string;
  process: ManagedProcess | null;
}

export class Fleet {
  readonly replicas: readonly FleetReplica[];
  readonly #options: FleetOptions;

  private constructor(options: FleetOptions, replicas: readonly FleetReplica[]) {
    this.#options = options;
    this.replicas = replicas;
  }

  /** Homes, certificates and keys; nothing is started. */
  static async create(options: FleetOptions): Promise<Fleet> {
    const count = options.replicas ?? 3;
    const names = fleetNames(count);
    const places = options.places ?? (await onLoopback(count));
    const homes = await makeHomes(
      options,
      names.map((name, i) => ({ name, address: places[i]?.raftAddress ?? '' })),
    );
    for (const from of [options.importFrom].flat()) {
      await cmkms(
        ...['import', 'filepv', '--from', from, '--chain-id', options.chainId],
        ...homes.flatMap((home) => ['--home', home]),
      );
    }
    const logs = join(options.directory, 'logs');
    if (!existsSync(logs)) mkdirSync(logs);
    const replicas = places.slice(0, count).map((place, i) => ({
      name: names[i] ?? '',
      home: homes[i] ?? '',
      place,
      httpPort: place.httpPort,
      logPath: join(logs, `${names[i]}.log`),
      process: null,
    }));
    return new Fleet(options, replicas);
  }

  replica(name: string): FleetReplica {
    const found = this.replicas.find((replica) => replica.name === name);
    if (found === undefined) throw new Error(`no replica ${name}`);
    return found;
  }

  start(name: string, ...args: readonly string[]): ManagedProcess {
    const replica = this.replica(name);
    if (replica.process?.alive) throw new Error(`${name} runs already`);
    const { neverSigned, chainId, extraArgs, nodeArgs, environment } = this.#options;
    const { launcher, httpHost, httpPort, args: placeArgs } = replica.place;
    const variables = Object.entries(environment?.(name) ?? {}).map(
      ([key, value]) => `${key}=${value}`,
    );
    const [command = process.execPath, ...rest] = [
      ...launcher,
      ...(variables.length === 0 ? [] : ['env', ...variables]),
      process.execPath,
    ];
    replica.process = new ManagedProcess({
      command,
      args: [
        ...rest,
        ...(nodeArgs ?? []),
        ...[cmkmsPath, 'start', '--home', replica.home],
        ...['--http-addr', `${httpHost}:${httpPort}`, '--log-format', 'json'],
        ...(neverSigned ? ['--allow-fresh-state', chainId] : []),
        ...placeArgs,
        ...(extraArgs ?? []),
        ...args,
      ],
      logPath: replica.logPath,
    });
    return replica.process;
  }

  startAll(): void {
    for (const replica of this.replicas) if (!replica.process?.alive) this.start(replica.name);
  }

  /** Undefined where it does not answer. */
  async status(name: string): Promise<FleetStatus | undefined> {
    try {
      const { httpHost, httpPort } = this.replica(name).place;
      const answer = await fetch(`http://${httpHost}:${httpPort}/status`, {
        signal: AbortSignal.timeout(1000),
      });
      return (await answer.json()) as FleetStatus;
    } catch {
      // Down, frozen, or not there yet: the caller asks again.
      return undefined;
    }
  }

  /** The replica that says it leads, as soon as one of those that answer does. */
  leader(withinMs = 30_000, except?: string): Promise<string> {
    return until(
      'a leader',
      async () => {
        for (const { name, process } of this.replicas) {
          if (name === except || !process?.alive) continue;
          if ((await this.status(name))?.is_leader) return name;
        }
        return undefined;
      },
      withinMs,
    );
  }

  /**
   * As `cmkms cluster transfer` at the one that leads, without the start of a program: that takes a second on two
   * processors, and what is measured beside it would pay for it. @throws what it refused for
   */
  async transfer(leader: string, to: string): Promise<void> {
    const socket = join(this.replica(leader).home, 'data', 'admin.sock');
    await adminRequest(socket, { kind: 'leaderTransfer', to }, TRANSFER_WITHIN_MS);
  }

  /** Who holds the link to a validator. */
  linkHolder(validator: string, withinMs = 30_000, except?: string): Promise<string> {
    return until(
      `a holder of the link to ${validator}`,
      async () => {
        for (const { name, process } of this.replicas) {
          if (name === except || !process?.alive) continue;
          const links = (await this.status(name))?.chains.flatMap((chain) => chain.validators);
          const link = links?.find(({ addr }) => addr === validator);
          if (link?.state === 'active' || link?.state === 'connected') return name;
        }
        return undefined;
      },
      withinMs,
    );
  }

  ready(name: string, withinMs = 30_000): Promise<true> {
    return until(
      `${name} ready`,
      async () => ((await this.status(name))?.ready ? true : undefined),
      withinMs,
    );
  }

  /** The lines of one event in the logs of these replicas, by default of all. */
  events(event: string, ...names: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
    const asked = names.length === 0 ? this.replicas : names.map((name) => this.replica(name));
    return asked
      .flatMap(({ logPath }) => readFileSync(logPath, 'utf8').split('\n'))
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  async stopAll(): Promise<void> {
    for (const { process } of this.replicas) process?.signal('SIGCONT');
    await Promise.all(this.replicas.map(({ process }) => process?.stop()));
  }
}

async function onLoopback(count: number): Promise<readonly ReplicaPlace[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, i) => ({
    raftAddress: `127.0.0.1:${ports[i]}`,
    httpHost: '127.0.0.1',
    httpPort: ports[count + i] ?? 0,
    launcher: [],
    args: [],
  }));
}

/** @returns the home of each replica, configured */
async function makeHomes(
  options: FleetOptions,
  replicas: readonly { readonly name: string; readonly address: string }[],
): Promise<readonly string[]> {
  const out = join(options.directory, 'fleet');
  const homes = replicas.map(({ name }) => join(out, name));
  const { chainId, validators = [], tables } = options;
  const chain = [
    ...(tables === undefined ? ['--chain-id', chainId] : []),
    ...validators.flatMap((address) => ['--validator-addr', address]),
  ];
  if (replicas.length === 1) {
    await cmkms('init', '--solo', '--home', homes[0] ?? '', ...chain);
  } else {
    const peers = replicas.flatMap(({ name, address }) => ['--peer', `${name}=${address}`]);
    await cmkms('cluster', 'init', '--out', out, ...peers, ...chain);
  }
  replicas.forEach(({ name }, i) => {
    configure(join(homes[i] ?? '', 'config.toml'), chainId, tables?.(name) ?? [], options.settings);
  });
  return homes;
}

/** What an operator edits in the config.toml that `init` wrote. */
function configure(
  path: string,
  chainId: string,
  tables: readonly ChainTable[],
  settings: Readonly<Record<string, string>> = {},
): void {
  let text = readFileSync(path, 'utf8');
  for (const [name, value] of Object.entries(settings)) {
    const key = name.replace(/^.*\./, '');
    const line = new RegExp(`^# ${key} = .*$`, 'm');
    if (!line.test(text)) throw new Error(`${path} offers no ${name}`);
    text = text.replace(line, `${key} = ${value}`);
  }
  for (const { chainId: id = chainId, address, validators, state } of tables) {
    const key = `priv/${address}/priv_validator_key.json`;
    text += [
      ...['', '[[chain]]', `id = "${id}"`, `address = "${address}"`, `key = "${key}"`],
      ...(state === undefined ? [] : [`state = "${state}"`]),
      `validators = ${JSON.stringify(validators)}`,
      '',
    ].join('\n');
  }
  writeFileSync(path, text);
}
