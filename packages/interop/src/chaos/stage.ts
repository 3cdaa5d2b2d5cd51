/**
 * One cluster on which faults are played: replicas in networks of their own, wires, disks and clocks that can fail,
 * and validators on three chains.
 *
 * Owns    putting it together and taking it down.
 * Never   decides what is done to it: faults come from catalogue.ts, the course from course.ts.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainTable, cmkms, Fleet, type ReplicaPlace } from '../fleet.js';
import { makeNodeHome } from '../node-home.js';
import { freePorts } from '../processes.js';
import { Validator } from '../validator/validator.js';
import { Asking, type Signer } from './asking.js';
import type { Chance } from './chance.js';
import { WallClock } from './clock.js';
import { compileDiskFaults, FaultyDisk, SmallDisk } from './disk.js';
import { FarWire } from './far-wire.js';
import { addressOf, HTTP_PORT, launcherInto, Network, VALIDATORS } from './network.js';
import { clockedPidsPath } from './scope.js';
import { Supervisor } from './supervisor.js';
import { faketimeLibrary, type Survey, type Tool } from './tools.js';
import { type Place, Wire } from './wire.js';

const RAFT_PORT = 9430;
const REPLICA_NAMES = ['kms-a', 'kms-b', 'kms-c', 'kms-d', 'kms-e'] as const;
const FOUNDED_WITHIN_MS = 90_000;
/** The log takes up to 12, a journal of half an hour some 30, and what min_free_disk keeps must be free beside them. */
const SMALL_DISK_MB = 192;

/** Two keys on the first chain; the first key of it and that of the second are shared by two validators. */
const keys = [
  { name: 'chaos-1 key 1', chainId: 'chaos-1', shared: true },
  { name: 'chaos-1 key 2', chainId: 'chaos-1', shared: false },
  { name: 'chaos-2', chainId: 'chaos-2', shared: true },
  { name: 'chaos-3', chainId: 'chaos-3', shared: false },
] as const;

export interface StageOptions {
  readonly scope: string;
  /** Fresh. */
  readonly directory: string;
  readonly replicas: number;
  readonly survey: Survey;
  readonly chance: Chance;
}

export class Stage {
  readonly names: readonly string[];
  readonly fleet: Fleet;
  readonly supervisor: Supervisor;
  readonly asking: Asking;
  readonly validatorWires: readonly Wire[];
  /** What validators wrote down. */
  readonly released: string;
  readonly #parts: Parts;

  private constructor(fleet: Fleet, asking: Asking, parts: Parts, options: StageOptions) {
    this.fleet = fleet;
    this.names = fleet.replicas.map(({ name }) => name);
    this.supervisor = new Supervisor(fleet, clockedPidsPath(join(options.directory, '..')));
    this.asking = asking;
    this.validatorWires = parts.validatorWires;
    this.released = parts.released;
    this.#parts = parts;
  }

  /** All replicas started, each validator was given a signature. */
  static async set(options: StageOptions): Promise<Stage> {
    const { directory, scope, survey, chance } = options;
    mkdirSync(directory);
    const names = REPLICA_NAMES.slice(0, options.replicas);
    const isolated = survey.found.has('namespaces');
    const made = await makeValidators(directory, isolated);
    const library = survey.found.has('preload') ? await compileDiskFaults(directory) : null;
    const parts: Parts = {
      ...{ ...made, wires: new Map(), disks: new Map(), smallDisks: new Map(), clocks: new Map() },
      network: isolated ? new Network(scope) : null,
    };
    const places: ReplicaPlace[] = [];
    const environments = new Map<string, Environment>();
    for (const name of names) {
      environments.set(name, equip(name, directory, library, survey, parts));
      places.push(await place(name, isolated ? scope : null, parts));
    }
    const fleet = await makeFleet(options, places, environments, made);
    await mountSmallDisks(fleet, survey, parts);
    const stage = new Stage(fleet, new Asking(made.signers, chance), parts, options);
    for (const name of names) stage.supervisor.start(name);
    await Promise.all(names.map((name) => fleet.ready(name, FOUNDED_WITHIN_MS)));
    stage.asking.start();
    await stage.asking.allSign(FOUNDED_WITHIN_MS);
    return stage;
  }

  get network(): Network {
    return present(this.#parts.network, 'namespaces');
  }

  wireTo(replica: string): FarWire {
    const wire = this.#parts.wires.get(replica);
    if (wire === undefined) throw new Error(`no wire leads to ${replica}`);
    return wire;
  }

  diskOf(replica: string): FaultyDisk {
    return present(this.#parts.disks.get(replica), 'preload');
  }

  smallDiskOf(replica: string): SmallDisk {
    return present(this.#parts.smallDisks.get(replica), 'tmpfs');
  }

  clockOf(replica: string): WallClock {
    return present(this.#parts.clocks.get(replica), 'faketime');
  }

  /** Replicas whose data lies on a small disk. */
  get withSmallDisk(): readonly string[] {
    return [...this.#parts.smallDisks.keys()];
  }

  /** How many calls the preloaded library failed or delayed. */
  get diskBites(): number {
    return [...this.#parts.disks.values()].reduce((sum, disk) => sum + disk.bites, 0);
  }

  async ready(name: string, withinMs = 60_000): Promise<void> {
    await this.fleet.ready(name, withinMs);
  }

  async strike(gently: boolean): Promise<void> {
    await this.supervisor.close(gently);
    await this.asking.stop();
    await Promise.all([...this.#parts.wires.values()].map((wire) => wire.stop()));
    await Promise.all(this.validatorWires.map((wire) => wire.stop()));
  }
}

type Environment = Readonly<Record<string, string>>;

interface Parts {
  readonly network: Network | null;
  readonly validatorWires: readonly Wire[];
  readonly released: string;
  readonly wires: Map<string, FarWire>;
  readonly disks: Map<string, FaultyDisk>;
  readonly smallDisks: Map<string, SmallDisk>;
  readonly clocks: Map<string, WallClock>;
}

interface Validators {
  readonly released: string;
  readonly signers: readonly Signer[];
  readonly validatorWires: readonly Wire[];
  readonly nodeHomes: readonly string[];
  readonly tables: readonly ChainTable[];
}

function present<T>(part: T | null | undefined, tool: Tool): T {
  if (part === null || part === undefined) throw new Error(`this needs ${tool}`);
  return part;
}

/** Keys as nodes make them, and validators behind wires. */
async function makeValidators(directory: string, isolated: boolean): Promise<Validators> {
  const released = join(directory, 'released.jsonl');
  writeFileSync(released, '');
  const host = isolated ? addressOf(VALIDATORS) : '127.0.0.1';
  const wires: Wire[] = [];
  const listening = async (chainId: string, addresses: string[]): Promise<Validator> => {
    const validator = new Validator({ chainId, listen: { kind: 'tcp', port: 0 }, released });
    const port = Number(new URL(await validator.listen()).port);
    const wire = new Wire({ host: '127.0.0.1', port });
    wires.push(wire);
    addresses.push(`tcp://${host}:${await wire.listen({ host, port: 0 })}`);
    return validator;
  };
  const made = [];
  for (const [i, { name, chainId, shared }] of keys.entries()) {
    const nodeHome = join(directory, `node-${i}`);
    mkdirSync(nodeHome);
    const address = keyAddress(makeNodeHome(nodeHome));
    const validators: string[] = [];
    const validator = await listening(chainId, validators);
    const rebel = shared ? await listening(chainId, validators) : null;
    const table: ChainTable = { chainId, address, validators };
    made.push({ nodeHome, table, signer: { name, validator, rebel } });
  }
  return {
    ...{ released, validatorWires: wires },
    signers: made.map(({ signer }) => signer),
    nodeHomes: made.map(({ nodeHome }) => nodeHome),
    tables: made.map(({ table }) => table),
  };
}

/** @returns the environment of a replica with a disk and a clock that can fail, as far as there are tools for it */
function equip(
  name: string,
  directory: string,
  library: string | null,
  { found }: Survey,
  { disks, clocks }: Parts,
): Environment {
  const clockLibrary = found.has('faketime') ? faketimeLibrary() : null;
  const environment: Record<string, string> = {};
  if (library !== null) {
    const home = join(realpathSync(directory), 'fleet', name);
    const disk = new FaultyDisk(join(directory, `${name}.disk`), home);
    disks.set(name, disk);
    Object.assign(environment, disk.environment);
  }
  if (clockLibrary !== null) {
    const clock = new WallClock(join(directory, `${name}.clock`));
    clocks.set(name, clock);
    Object.assign(environment, clock.environment);
  }
  const preloaded = [library, clockLibrary].filter((path) => path !== null);
  if (preloaded.length > 0) environment['LD_PRELOAD'] = preloaded.join(':');
  return environment;
}

/** In a network of its own where there is a scope of such, else on loopback. */
async function place(name: string, scope: string | null, { wires }: Parts): Promise<ReplicaPlace> {
  const isolated = scope !== null;
  const host = isolated ? addressOf(name) : '127.0.0.1';
  const [raft = 0, behind = 0, http = 0] = isolated
    ? [RAFT_PORT, RAFT_PORT + 1, HTTP_PORT]
    : await freePorts(3);
  const launcher = isolated ? launcherInto(scope, name) : [];
  const target: Place = { host: '127.0.0.1', port: behind };
  wires.set(name, await FarWire.start(launcher, { host, port: raft }, target));
  return {
    ...{ raftAddress: `${host}:${raft}`, httpHost: host, httpPort: http, launcher },
    args: ['--raft-addr', `127.0.0.1:${behind}`],
  };
}

async function makeFleet(
  { directory, replicas }: StageOptions,
  places: readonly ReplicaPlace[],
  environments: ReadonlyMap<string, Environment>,
  { tables, nodeHomes }: Validators,
): Promise<Fleet> {
  const chainIds = [...new Set(keys.map(({ chainId }) => chainId))];
  const [first = '', ...more] = chainIds;
  const fleet = await Fleet.create({
    ...{ directory, replicas, places, chainId: first, importFrom: [] },
    tables: () => tables,
    environment: (name) => environments.get(name) ?? {},
    neverSigned: true,
    extraArgs: more.flatMap((chainId) => ['--allow-fresh-state', chainId]),
    // Snapshots and disks that run full are to happen within minutes.
    settings: { 'raft.snapshot_entries': '300', 'raft.min_free_disk': '"64MiB"' },
  });
  const homes = fleet.replicas.flatMap(({ home }) => ['--home', home]);
  for (const [i, { chainId }] of keys.entries()) {
    const from = nodeHomes[i] ?? '';
    await cmkms('import', 'filepv', '--from', from, '--chain-id', chainId, ...homes);
  }
  return fleet;
}

/** The last replicas, a minority of all. */
async function mountSmallDisks(fleet: Fleet, survey: Survey, { smallDisks }: Parts): Promise<void> {
  if (!survey.found.has('tmpfs')) return;
  const count = (fleet.replicas.length - 1) / 2;
  for (const { name, home } of fleet.replicas.slice(-count)) {
    smallDisks.set(name, await SmallDisk.mount(join(home, 'data'), SMALL_DISK_MB));
  }
}

/** As CometBFT derives it: the first 20 bytes of the SHA-256 of the public key. */
function keyAddress(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 40).toUpperCase();
}
