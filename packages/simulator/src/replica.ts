/**
 * One replica of the simulated world: its home on a simulated disk, and the production program over any number of
 * processes.
 *
 * Owns    starting and ending processes, and what the program is given: the edges, a configuration, a home.
 * Never   is a replica itself: all that it does, the production code does (cmkms/replica).
 * Fault   A process is killed (its disk's cache stays, its connections are closed), loses its power with its machine,
 *         or stands still (event-loop.ts). It ends by itself where it must not go on; the world starts it again, or
 *         not. A start may be that of a later program, which knows one more version of the rules, and says of it what
 *         it says of the first; never again that of an earlier one: whom the others no longer wait for would have to
 *         end.
 */
import type { LinkFrame, Transport } from '@cometkms/consensus';
import { WriteAheadLog } from '@cometkms/consensus/wal';
import { knownRules, type RecordId } from '@cometkms/sign-state';
import {
  addressOf,
  type KeyBackend,
  readStateFile,
  SignerError,
  type StateFile,
  type Verifier,
} from '@cometkms/signer';
import {
  type Checked,
  type CheckedChain,
  type Edges,
  type EventFacts,
  type EventName,
  homePaths,
  Replica,
  type ReplicaOptions,
  type Settings,
} from 'cmkms/replica';
import type { SimulatedDisk } from './disk.js';
import { EventLoop } from './event-loop.js';
import { NoMetrics } from './no-metrics.js';
import { type LogObserver, ObservedLog } from './observed-log.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

export interface Timers {
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  readonly leaseMs: number;
}

export interface SiteChain {
  readonly id: RecordId;
  /** Addresses, as `tcp://10.9.0.1:26659`. */
  readonly validators: readonly string[];
  /** Said at each start, as on the command line. */
  readonly neverSigned: boolean;
}

/** What does not change from start to start, but by an operator. */
export interface SiteMember {
  readonly name: string;
  readonly address: string;
  /** Null: its home does not say it (cmkms/src/check-identity.ts). */
  readonly identity: string | null;
  readonly witness: boolean;
}

export interface Site {
  /** What the world calls it: one in another's place may have that one's name. */
  readonly label: string;
  readonly name: string;
  readonly identity: string;
  /** host:port of the link between replicas. No two homes have one: frames that are late arrive by it. */
  readonly address: string;
  /** As its configuration lists them, itself included. */
  readonly members: readonly SiteMember[];
  /** Null: its home is of one that joins later. */
  readonly founders: readonly SiteMember[] | null;
  /** Its home holds no key. */
  readonly witness: boolean;
  readonly clusterId: string;
  readonly chains: readonly SiteChain[];
  readonly timers: Timers;
  readonly snapshotEntries: number;
  /** The same at every site. */
  readonly stateHashEntries: number;
  readonly applyEntries: number;
  readonly segmentBytes: number;
}

export type LoggedEvent = {
  readonly [E in EventName]: { event: E; facts: EventFacts[E] };
}[EventName];

/** What of the world one process is given. */
export interface SiteWorld {
  readonly timeline: Timeline;
  transport(loop: EventLoop): Transport;
  key(id: RecordId, loop: EventLoop): KeyBackend;
  readonly verify: Verifier;
  openLink(loop: EventLoop, ...args: Parameters<Edges['openLink']>): ReturnType<Edges['openLink']>;
  log(start: number): LogObserver;
  logged(event: EventName, facts: EventFacts[EventName]): void;
  /** A process is put together, and not yet started. */
  assembled(replica: Replica): void;
  /** Before each callback of the process. */
  calledBack(): void;
  /** It ended by itself. */
  ended(error: Error): void;
}

const metrics = new NoMetrics();

export class SimulatedProcess {
  readonly loop: EventLoop;
  readonly entropy: Random;
  /** As it found it; what an operator changes later is for its next start. */
  readonly site: Site;
  /** By its own clock. */
  readonly startedAtMs: number;
  replica: Replica | null = null;

  constructor(loop: EventLoop, entropy: Random, site: Site) {
    this.loop = loop;
    this.startedAtMs = loop.nowMs();
    this.entropy = entropy;
    this.site = site;
  }
}

export class SimulatedReplica {
  site: Site;
  readonly disk: SimulatedDisk;
  readonly #world: SiteWorld;
  readonly #random: Random;
  #process: SimulatedProcess | null = null;
  #starts = 0;
  /** Of the rules, by the program in the home. */
  #newestRules = 1;

  constructor(site: Site, disk: SimulatedDisk, world: SiteWorld, random: Random) {
    this.site = site;
    this.disk = disk;
    this.#world = world;
    this.#random = random;
  }

  get name(): string {
    return this.site.label;
  }

  /** The process that runs; null: none does. */
  get process(): SimulatedProcess | null {
    return this.#process?.loop.alive ? this.#process : null;
  }

  get starts(): number {
    return this.#starts;
  }

  /** Of the rules, by the program in its home. */
  get newestRules(): number {
    return this.#newestRules;
  }

  /** @returns whether that is a later program than the one in the home */
  install(newestRules: number): boolean {
    if (newestRules <= this.#newestRules) return false;
    this.#newestRules = newestRules;
    return true;
  }

  start(): void {
    this.#starts += 1;
    const random = this.#random.fork(`start ${this.#starts}`);
    if (random.fork('program').chance(0.25)) this.#newestRules = 2;
    const loop = new EventLoop(this.#world.timeline, random.range(0, 1e9));
    loop.onCallback = () => this.#world.calledBack();
    const process_ = new SimulatedProcess(loop, random.fork('entropy'), this.site);
    this.#process = process_;
    // As the first callback of the process.
    loop.soon(() => void this.#run(process_));
  }

  kill(): void {
    this.#process?.loop.die();
    this.disk.kill();
  }

  losePower(): void {
    this.#process?.loop.die();
    this.disk.losePower();
  }

  /** As SIGTERM. */
  async stop(): Promise<void> {
    const process_ = this.process;
    await process_?.replica?.stop();
    if (process_?.loop.alive) this.kill();
  }

  async #run(process_: SimulatedProcess): Promise<void> {
    const { loop } = process_;
    const end = (error: unknown): void => {
      if (!loop.alive) return;
      this.kill();
      this.#world.ended(error instanceof Error ? error : new Error(String(error)));
    };
    try {
      const options = await this.#options(process_, end);
      if (!loop.alive) return;
      process_.replica = new Replica(options);
      this.#world.assembled(process_.replica);
      await process_.replica.start();
    } catch (error) {
      end(error);
    }
  }

  async #options(
    process_: SimulatedProcess,
    onFatal: (error: Error) => void,
  ): Promise<ReplicaOptions> {
    const { loop, entropy, site } = process_;
    const mounted = this.disk.mount(loop);
    const paths = homePaths('/home');
    const record = await mounted.durableFiles.read(paths.replica);
    const chains = await Promise.all(
      site.chains.map((chain) => this.#checkedChain(chain, loop, mounted.durableFiles)),
    );
    const settings = settingsOf(site, chains);
    const checked: Checked = {
      name: site.name,
      members: site.members,
      raftListen: { host: '10.0.0.1', port: 1 },
      tls: null,
      ...recordsOf(site),
      witness: site.witness,
      replica: record === null ? null : recordIn(record.bytes),
      warnings: [],
      paths,
      chains,
    };
    const edges: Edges = {
      clock: loop,
      entropy: (bytes) => entropy.bytes(bytes),
      storage: new ObservedLog(
        new WriteAheadLog(mounted.logFiles(paths.wal), { segmentBytes: site.segmentBytes }, loop),
        this.#world.log(this.#starts),
      ),
      transport: this.#world.transport(loop),
      files: mounted.durableFiles,
      openLink: (...args) => this.#world.openLink(loop, ...args),
      verify: this.#world.verify,
    };
    return {
      settings,
      checked,
      identity: site.identity,
      version: 'simulated',
      rules: { oldest: knownRules.oldest, newest: Math.max(knownRules.newest, this.#newestRules) },
      ...{ stateHashEntries: site.stateHashEntries, applyEntries: site.applyEntries },
      log: (event, facts) => this.#world.logged(event, facts),
      metrics,
      journal: { append: () => {} },
      edges,
      onFatal,
    };
  }

  async #checkedChain(
    chain: SiteChain,
    loop: EventLoop,
    files: Edges['files'],
  ): Promise<CheckedChain> {
    const { id, validators, neverSigned } = chain;
    const statePath = statePathOf(id);
    const state = await stateIfThere(statePath, files);
    return {
      settings: {
        id: id.chainId,
        keyPath: '',
        statePath,
        address: null,
        validators: validators.map((text) => ({ kind: 'tcp', text, host: text, port: 1 })),
        where: 'the world',
      },
      key: this.#world.key(id, loop),
      keyAddress: addressOf(id.key),
      state: state === null || state.position.height === 0n ? null : state,
      neverSigned,
      imported: null,
    };
  }
}

/** What `cluster init` and `cluster home` put into a home. */
function recordsOf(site: Site): Pick<Checked, 'genesis' | 'join'> {
  const { clusterId, founders, identity, name, witness } = site;
  if (founders === null) return { genesis: null, join: { clusterId, name, identity, witness } };
  const members = founders.map((one) => ({ ...one, identity: one.identity ?? '' }));
  return { genesis: { clusterId, members }, join: null };
}

/** As `check` has it (cmkms/src/home-records.ts): what cannot be read ends the start. */
function recordIn(bytes: Uint8Array): Checked['replica'] {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw Object.assign(new Error('replica.json', { cause }), { code: 'RECORD_DAMAGED' });
  }
}

/** As `check` has it: no file is nothing known. */
async function stateIfThere(path: string, files: Edges['files']): Promise<StateFile | null> {
  try {
    return await readStateFile(path, files);
  } catch (error) {
    if (error instanceof SignerError && error.code === 'SIGNER_STATE_MISSING') return null;
    throw error;
  }
}

/** Where the state of (key, chain) lies in each home. */
export const statePathOf = (id: RecordId): string =>
  `${homePaths('/home').priv}/${id.chainId}-${addressOf(id.key)}.json`;

function settingsOf(site: Site, chains: readonly CheckedChain[]): Settings {
  return {
    ...{ home: '/home', configFile: null, id: null, hostName: site.name },
    ...{ raftAddress: null, httpAddress: null, peers: [], solo: site.founders?.length === 1 },
    ...{ insecureRaft: false, allowFreshState: [], warnings: [] },
    log: { level: 'debug', format: 'json' },
    tls: { caPath: '', certificatePath: '', keyPath: '' },
    raft: { ...site.timers, snapshotEntries: site.snapshotEntries, minFreeDiskBytes: 0 },
    signing: { deadlineMs: 1000, latencyBudgetMs: 1000 },
    privval: {
      ...{ dialTimeoutMs: 2000, redialIntervalMs: 500, handshakeTimeoutMs: 2000 },
      ...{ idleTimeoutMs: 7000, maxMessageBytes: 1024 * 1024 },
    },
    chains: chains.map(({ settings }) => settings),
  };
}

export type { LinkFrame };
