/**
 * Whole replicas in one process: real homes, real logs, real links over loopback, and all they log at hand.
 *
 * Owns    homes and ports, starting and stopping replicas on their own disks, and waiting for what they log.
 * Never   reaches into a replica to change it: tests use its sockets, its files and its links.
 */
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SoftwareKey, writeKeyFile, writeStateFile } from '@cometkms/signer';
import { type CheckedChain, checkHome } from '../src/check-home.js';
import type { Flags } from '../src/config/layers.js';
import { loadSettings } from '../src/config/load.js';
import type { Settings } from '../src/config/settings.js';
import { homePaths, makeDirectory } from '../src/home.js';
import type { StatusJson } from '../src/http/status-json.js';
import type { EventFacts, EventName, Log } from '../src/log/index.js';
import { identityOf } from '../src/replica/identity.js';
import { type Program, Running, thisProgram } from '../src/replica/start.js';
import { around, CHAIN, keyOf, signedState } from './scratch-homes.js';

/** Slower than the program's, so that a machine under load does not elect leaders all day. */
const timers = { heartbeatIntervalMs: 25, electionTimeoutMs: 250, leaseMs: 200 };
const waitMs = 30_000;

type Line = { [E in EventName]: { readonly event: E; readonly facts: EventFacts[E] } }[EventName];

/** Everything that one start of a replica logged. */
export class Logged {
  readonly lines: Line[] = [];
  readonly #waiting = new Set<() => void>();

  readonly log: Log = (event, facts) => {
    this.lines.push({ event, facts } as Line);
    for (const look of [...this.#waiting]) look();
  };

  all<E extends EventName>(event: E): readonly EventFacts[E][] {
    return this.lines.flatMap((line) =>
      line.event === event ? [line.facts as EventFacts[E]] : [],
    );
  }

  /** The first such line, also one that is there already. */
  async until<E extends EventName>(
    event: E,
    matches: (facts: EventFacts[E]) => boolean = () => true,
  ): Promise<EventFacts[E]> {
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.all(event).find(matches);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`${event} was not logged; but:\n${this.#shown()}`));
      }, waitMs);
      this.#waiting.add(look);
      look();
    });
  }

  #shown(): string {
    const digits = (_key: string, value: unknown): unknown =>
      typeof value === 'bigint' ? value.toString() : value;
    return this.lines.map((line) => JSON.stringify(line, digits)).join('\n');
  }
}

export interface Member {
  readonly name: string;
  readonly home: string;
  readonly paths: ReturnType<typeof homePaths>;
  readonly running: Running;
  readonly logged: Logged;
  /** What ended it, once something did. */
  readonly failure: Promise<Error>;
}

export interface ClusterOptions {
  readonly names?: readonly string[];
  readonly chainId?: string;
  readonly validators?: readonly string[];
  /** Flags that one replica gets besides. */
  readonly flags?: Readonly<Record<string, Flags>>;
  /** Heights of the state files, by replica. */
  readonly states?: Readonly<Record<string, bigint>>;
  /** Every replica states that the key never signed. */
  readonly neverSigned?: boolean;
}

/** How one start differs from the ordinary one, where no flag says it. */
export interface StartOptions {
  readonly raft?: Partial<Settings['raft']>;
  /** Of a program that is not this one. */
  readonly program?: Partial<Program>;
  /** Instead of the key in the home; of the same public key. */
  readonly key?: (key: CheckedChain['key']) => CheckedChain['key'];
}

export class Cluster {
  readonly key: SoftwareKey = keyOf(1);
  readonly names: readonly string[];
  readonly chainId: string;
  /** Those that run. */
  readonly members = new Map<string, Member>();
  readonly #stopping: Promise<void>[] = [];
  readonly #directory: string;
  readonly #options: ClusterOptions;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(
    directory: string,
    options: ClusterOptions,
    ports: ReadonlyMap<string, number>,
  ) {
    this.#directory = directory;
    this.#options = options;
    this.#ports = ports;
    this.names = options.names ?? ['a', 'b', 'c'];
    this.chainId = options.chainId ?? CHAIN;
  }

  /** Homes with keys and states; nothing runs. */
  static async create(options: ClusterOptions = {}): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'cmkms-cluster-'));
    const names = options.names ?? ['a', 'b', 'c'];
    const ports = await freePorts(names.length);
    const byName = new Map(names.map((name, i) => [name, ports[i] ?? 0]));
    const cluster = new Cluster(directory, options, byName);
    for (const name of names) await cluster.#makeHome(name);
    return cluster;
  }

  /** All of a new cluster, started at once. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.create(options);
    await Promise.all(cluster.names.map((name) => cluster.start(name)));
    return cluster;
  }

  home(name: string): string {
    return join(this.#directory, name);
  }

  statePath(name: string): string {
    return join(this.home(name), 'priv', 'priv_validator_state.json');
  }

  member(name: string): Member {
    const found = this.members.get(name);
    if (found === undefined) throw new Error(`${name} does not run`);
    return found;
  }

  /** Of all that run. */
  async everywhere<E extends EventName>(
    event: E,
    matches?: (facts: EventFacts[E]) => boolean,
  ): Promise<readonly EventFacts[E][]> {
    return await Promise.all(
      [...this.members.values()].map(({ logged }) => logged.until(event, matches)),
    );
  }

  /** The first such line of any that runs. */
  async anywhere<E extends EventName>(
    event: E,
    matches: (facts: EventFacts[E]) => boolean = () => true,
  ): Promise<EventFacts[E]> {
    const logs = (): readonly EventFacts[E][] =>
      [...this.members.values()].flatMap(({ logged }) => logged.all(event));
    return await until(event, () => logs().find(matches));
  }

  async start(name: string, flags: Flags = {}, how: StartOptions = {}): Promise<Member> {
    const home = this.home(name);
    const made = await this.#checked(name, flags);
    const settings = { ...made.settings, raft: { ...made.settings.raft, ...how.raft } };
    const chains = made.checked.chains.map((chain) => ({
      ...chain,
      key: how.key?.(chain.key) ?? chain.key,
    }));
    const checked = { ...made.checked, chains };
    const paths = homePaths(home);
    for (const path of [paths.data, paths.wal, paths.watermark]) await makeDirectory(path);
    const logged = new Logged();
    const logger = { log: logged.log, dropped: () => 0, close: async () => {} };
    const program = { ...thisProgram, ...how.program };
    const running = new Running(checked, settings, logger, await identityOf(checked), program);
    const failure = new Promise<Error>((resolve) => {
      running.ended.catch(async (error: Error) => {
        await this.stop(name);
        resolve(error);
      });
    });
    const member = { name, home, paths, running, logged, failure };
    this.members.set(name, member);
    await running.start();
    return member;
  }

  async stop(name: string): Promise<void> {
    const member = this.members.get(name);
    if (member === undefined) return;
    this.members.delete(name);
    const stopped = member.running.stop();
    this.#stopping.push(stopped);
    await stopped;
  }

  /** Stops and starts it again on its own disk. */
  async restart(name: string, flags: Flags = {}, how: StartOptions = {}): Promise<Member> {
    await this.stop(name);
    return await this.start(name, flags, how);
  }

  /** Who leads and serves now, as soon as one does. */
  async leader(except?: string): Promise<Member> {
    return await until('a leader', () =>
      [...this.members.values()].find(
        (member) => member.name !== except && member.running.replica.mayServe(),
      ),
    );
  }

  /** Makes this one lead. */
  async lead(name: string): Promise<Member> {
    const wanted = this.member(name).running.replica;
    for (;;) {
      const leader = await this.leader();
      if (leader.name === name) return leader;
      // Refused where it lost leadership meanwhile: then look again.
      await leader.running.replica.node.transferLeadership(wanted.node.id).catch(() => null);
      await until(`${name} leads`, () => wanted.mayServe() || undefined, 3000).catch(() => null);
    }
  }

  /** Who talks to the validator at this address. */
  async holder(address: string): Promise<Member> {
    return await until(`a holder of ${address}`, () =>
      [...this.members.values()].find((member) =>
        member.running.replica.links?.held().includes(address),
      ),
    );
  }

  async status(name: string): Promise<StatusJson> {
    const answer = await this.get(name, '/status');
    return (await answer.json()) as StatusJson;
  }

  async get(name: string, path: string): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.member(name).running.httpPort}${path}`);
  }

  async dispose(): Promise<void> {
    const told = [...this.members.keys()].map((name) => this.stop(name));
    // Those too that end by themselves meanwhile: they need their homes for it.
    await Promise.all([...told, ...this.#stopping]);
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #makeHome(name: string): Promise<void> {
    await mkdir(join(this.home(name), 'priv'), { recursive: true, mode: 0o700 });
    await writeKeyFile(join(this.home(name), 'priv', 'priv_validator_key.json'), this.key);
    const height = this.#options.states?.[name];
    if (height !== undefined) await this.writeState(name, height);
  }

  async writeState(name: string, height: bigint): Promise<void> {
    const state = await signedState(this.key, height, { chainId: this.chainId });
    await writeStateFile(this.statePath(name), state);
  }

  async #checked(name: string, more: Flags) {
    const { chainId, flags, neverSigned, validators } = this.#options;
    const peers = this.names.map((each) => `${each}=127.0.0.1:${this.#ports.get(each)}`);
    const network = this.names.length > 1 ? { peer: peers, insecureRaft: true } : { solo: true };
    const given: Flags = {
      home: this.home(name),
      id: name,
      ...network,
      httpAddr: '127.0.0.1:0',
      chainId: chainId ?? CHAIN,
      // A port that nobody listens on: nothing to sign, and nothing to wait for.
      validatorAddr: validators ?? ['tcp://127.0.0.1:1'],
      ...(neverSigned ? { allowFreshState: [chainId ?? CHAIN] } : {}),
      ...flags?.[name],
      ...more,
    };
    const loaded = loadSettings(given, around(this.#directory));
    const settings = { ...loaded, raft: { ...loaded.raft, ...timers } };
    return { settings, checked: await checkHome(settings) };
  }
}

/** Looks again and again, for what nobody logs. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  withinMs = waitMs,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * Ports that were free a moment ago. They lie below the range from which the kernel takes ports by itself: one of
 * those could be another socket's before whoever it is for listens, or while it is started again.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const [lowest, highest] = [10_000, 32_767];
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(lowest, highest + 1);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
