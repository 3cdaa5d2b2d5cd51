/**
 * CometKMS itself, run as an operator runs it.
 *
 * Owns    one, three or five replicas on loopback, with mutual TLS between them.
 * Never   sets what an operator would not: configuration as `cmkms init` writes it.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cmkms, Fleet, fleetNames } from '@cometkms/interop';
import { RaftWires } from './raft-wires.js';
import { SlowDisks } from './slow-disks.js';
import type { ChainToSign, RunningReplica, RunningSystem, System } from './system.js';

/** Generous: how long a start takes is for a suite to say. */
const READY_WITHIN_MS = 300_000;

const counts = { 1: 'alone (solo)', 3: 'three replicas', 5: 'five replicas' } as const;

export function cmkmsWith(replicas: keyof typeof counts, options: CmkmsOptions = {}): System {
  return {
    name: `cmkms-${replicas}`,
    title: `CometKMS, ${counts[replicas]}`,
    replicas,
    durability: replicas === 1 ? 'synced' : 'synced on a majority',
    mostChains: 256,
    mostExtensionBytes: 64 * 1024,
    version: async () => (await cmkms('version')).split('\n')[0] ?? '',
    start: (directory, chains) => RunningCmkms.start(directory, chains, replicas, options),
  };
}

export interface CmkmsOptions {
  /** As in config.toml: `raft.profile` to `"wan"`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** For Node itself: `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  /** What replicas say to each other goes over wires, which can be late or cut. */
  readonly wired?: boolean;
  /** Each replica has a disk that can be made slow. Needs a C compiler. */
  readonly slowDisks?: boolean;
}

export class RunningCmkms implements RunningSystem {
  private constructor(
    readonly fleet: Fleet,
    /** Null where replicas dial each other directly. */
    readonly wires: RaftWires | null,
    /** Null where disks are as they are. */
    readonly disks: SlowDisks | null,
  ) {}

  static async start(
    directory: string,
    chains: readonly ChainToSign[],
    replicas: number,
    { settings = {}, nodeArgs = [], wired = false, slowDisks = false }: CmkmsOptions,
  ): Promise<RunningCmkms> {
    const [first, ...more] = chains;
    if (first === undefined) throw new Error('nothing to sign for');
    // The import sets the node's own files aside: it gets a copy.
    const keyHome = join(directory, 'node');
    cpSync(first.keyHome, keyHome, { recursive: true });
    const address = keyAddress(keyHome);
    const names = fleetNames(replicas);
    const wires = wired ? await RaftWires.lay(names) : null;
    const disks = slowDisks ? await SlowDisks.make(directory, names) : null;
    const fleet = await Fleet.create({
      directory,
      chainId: first.chainId,
      importFrom: keyHome,
      neverSigned: true,
      replicas,
      ...{ settings, nodeArgs },
      ...(wires === null ? {} : { places: wires.places }),
      ...(disks === null ? {} : { environment: (name) => disks.environment(name) }),
      extraArgs: more.flatMap(({ chainId }) => ['--allow-fresh-state', chainId]),
      tables: () =>
        chains.map(({ chainId, validator }, i) => ({
          ...{ chainId, address, validators: [validator] },
          // The first one's lies where the import put it.
          ...(i === 0 ? {} : { state: `priv/${chainId}.json` }),
        })),
    });
    fleet.startAll();
    return new RunningCmkms(fleet, wires, disks);
  }

  get replicas(): readonly RunningReplica[] {
    return this.fleet.replicas.flatMap(({ name, process, logPath }) =>
      process === null ? [] : [{ name, process, logPath }],
    );
  }

  leader(): Promise<string> {
    return this.fleet.leader();
  }

  async restart(name: string): Promise<void> {
    this.fleet.start(name);
    await this.fleet.ready(name, READY_WITHIN_MS);
  }

  async stop(): Promise<void> {
    await this.fleet.stopAll();
    await this.wires?.stop();
  }
}

/** As CometBFT derives it: the first 20 bytes of the SHA-256 of the public key. */
function keyAddress(keyHome: string): string {
  const path = join(keyHome, 'config', 'priv_validator_key.json');
  const key = JSON.parse(readFileSync(path, 'utf8')) as { pub_key: { value: string } };
  const bytes = Buffer.from(key.pub_key.value, 'base64');
  return createHash('sha256').update(bytes).digest('hex').slice(0, 40).toUpperCase();
}
