/**
 * Real nodes in one process: real logs in temporary directories, real links over loopback.
 *
 * Owns    starting, stopping and restarting them on their own disks, and waiting for what they should come to.
 * Never   reaches into a core.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAuthority,
  type IssuedReplicaCertificate,
  issueReplicaCertificate,
  type KeyedCertificate,
} from '../src/authority.js';
import {
  type ChangeRefusal,
  ConsensusError,
  LinkTransport,
  type LogStorage,
  type Member,
  type Membership,
  type MembershipChange,
  openWal,
  type Place,
  RaftNode,
  type RulesRange,
  type StateMachine,
} from '../src/index.js';
import { freeAddresses } from './loopback.js';

/**
 * Applies by appending: its answer is how many commands it has seen. By the second version of its rules a command
 * is marked.
 */
export class Journal implements StateMachine<number> {
  readonly entries: string[] = [];
  /** How many entries each snapshot held that was restored: from its own disk, or sent by the leader. */
  readonly restored: number[] = [];

  apply(command: Uint8Array, { rules }: Pick<Place, 'rules'> = { rules: 1 }): number {
    this.entries.push(`${Buffer.from(command).toString()}${rules === 2 ? '!' : ''}`);
    return this.entries.length;
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.entries));
  }

  restore(state: Uint8Array): void {
    this.entries.splice(0, this.entries.length, ...JSON.parse(Buffer.from(state).toString()));
    this.restored.push(this.entries.length);
  }

  hash(): string {
    return createHash('sha256').update(this.snapshot()).digest('hex');
  }
}

export interface Replica {
  /** In this world; others know it by the name in its certificate, which is the same unless it took one over. */
  readonly name: string;
  readonly directory: string;
  joined: { clusterId: string } | null;
  node: RaftNode<number> | null;
  machine: Journal;
  fatal: Error | null;
}

/** How one start differs from the ordinary one. */
export interface StartOptions {
  /** A copy of its disk. */
  readonly directory?: string;
  /** Beside the original, at another port. */
  readonly beside?: boolean;
  readonly storage?: (storage: LogStorage) => LogStorage;
  readonly recordJoined?: () => Promise<void>;
  readonly machine?: Journal;
  readonly clusterId?: string;
  /** Who stands in its configuration, this replica included; default: all that were founded. */
  readonly members?: readonly string[];
  /** It is to join a cluster that is there. */
  readonly joins?: boolean;
  /** Of its program; default: the first version alone. */
  readonly rules?: RulesRange;
}

export interface WorldOptions {
  readonly names: readonly string[];
  readonly snapshotEntries?: number;
  readonly stateHashEntries?: number;
  readonly applyEntries?: number;
  /** No certificates: identities are the names. */
  readonly insecure?: boolean;
  /** Names of those that hold no key. */
  readonly witnesses?: readonly string[];
}

export class NodeWorld {
  readonly directory = mkdtempSync(join(tmpdir(), 'raft-node-'));
  readonly replicas = new Map<string, Replica>();
  readonly clusterId = 'c-test';
  readonly #options: WorldOptions;
  readonly #certificates = new Map<string, IssuedReplicaCertificate>();
  readonly #addresses = new Map<string, string>();
  readonly #calledAs = new Map<string, string>();
  #authority: KeyedCertificate | null = null;

  private constructor(options: WorldOptions) {
    this.#options = options;
  }

  static async create(options: WorldOptions): Promise<NodeWorld> {
    const world = new NodeWorld(options);
    world.#authority = await createAuthority(world.clusterId);
    for (const name of options.names) await world.newHome(name);
    return world;
  }

  /** @param calledAs  the name in its certificate: that of a member whose place it is to take */
  async newHome(name: string, calledAs = name): Promise<Member> {
    const [address = ''] = await freeAddresses(1);
    if (this.#authority === null) throw new Error('no authority');
    const certificate = await issueReplicaCertificate(this.#authority, {
      clusterId: this.clusterId,
      replicaName: calledAs,
    });
    this.#certificates.set(name, certificate);
    this.#addresses.set(name, address);
    this.#calledAs.set(name, calledAs);
    this.replicas.set(name, {
      name,
      directory: join(this.directory, name),
      joined: null,
      node: null,
      machine: new Journal(),
      fatal: null,
    });
    return this.member(name);
  }

  member(name: string): Member {
    const calledAs = this.#calledAs.get(name) ?? '';
    const address = this.#addresses.get(name) ?? '';
    const witness = this.#options.witnesses?.includes(name) === true;
    return { id: this.idOf(name), name: calledAs, address, witness };
  }

  /** Without certificates an identity is the name of its home. */
  idOf(name: string): string {
    if (this.#options.insecure === true) return name;
    return this.#certificates.get(name)?.identity ?? '';
  }

  replica(name: string): Replica {
    const found = this.replicas.get(name);
    if (found === undefined) throw new Error(`no replica ${name}`);
    return found;
  }

  node(name: string): RaftNode<number> {
    const { node } = this.replica(name);
    if (node === null) throw new Error(`${name} does not run`);
    return node;
  }

  async start(name: string, how: StartOptions = {}): Promise<RaftNode<number>> {
    const replica = how.beside ? this.#twin(name) : this.replica(name);
    const listen = how.beside ? '127.0.0.1:0' : (this.#addresses.get(name) ?? '');
    const certificate = this.#certificates.get(name);
    const authority = this.#authority;
    if (certificate === undefined || authority === null) throw new Error('no certificate');
    const insecure = this.#options.insecure === true;
    const machine = how.machine ?? new Journal();
    replica.machine = machine;
    const disk = openWal({
      directory: how.directory ?? replica.directory,
      segmentBytes: 256 * 1024,
    });
    const node = new RaftNode<number>({
      storage: how.storage?.(disk) ?? disk,
      transport: new LinkTransport({
        self: this.idOf(name),
        listen,
        security: insecure
          ? { kind: 'insecure' }
          : {
              kind: 'tls',
              clusterId: this.clusterId,
              authorityPem: authority.certificatePem,
              certificatePem: certificate.certificatePem,
              privateKeyPem: certificate.privateKeyPem,
            },
      }),
      self: { id: this.idOf(name), name: this.member(name).name },
      version: 'test',
      members: (how.members ?? this.#options.names).map((n) => ({
        ...this.member(n),
        id: insecure ? null : this.idOf(n),
      })),
      joins: how.joins === true,
      clusterId: how.clusterId ?? (insecure ? null : this.clusterId),
      joined: replica.joined,
      recordJoined: async ({ clusterId }) => {
        await how.recordJoined?.();
        replica.joined = { clusterId };
      },
      stateMachine: machine,
      timers: { heartbeatIntervalMs: 25, electionTimeoutMs: 300, leaseMs: 200 },
      snapshotEntries: this.#options.snapshotEntries ?? 10_000,
      stateHashEntries: this.#options.stateHashEntries ?? 10_000,
      applyEntries: this.#options.applyEntries ?? 64,
      rules: how.rules ?? { oldest: 1, newest: 1 },
      configDigest: () => 'same',
      onFatal: (error) => {
        replica.fatal = error;
      },
    });
    replica.node = node;
    await node.start();
    return node;
  }

  /** Another process with this name: its fate is its own. */
  #twin(name: string): Replica {
    const twin = { ...this.replica(name), node: null, fatal: null, machine: new Journal() };
    this.replicas.set(`${name}'`, twin);
    return twin;
  }

  async stop(name: string): Promise<void> {
    const replica = this.replica(name);
    await replica.node?.stop();
    replica.node = null;
  }

  /** The name of a replica that may serve. */
  leader(except?: string): Promise<string> {
    return until('a leader', () => {
      for (const { name, node } of this.replicas.values()) {
        if (name !== except && node?.mayServe()) return name;
      }
      return undefined;
    });
  }

  /** Asks whoever leads until it is in; the same bytes may then be in more than once. */
  async commit(text: string): Promise<void> {
    for (;;) {
      const leader = await this.leader();
      try {
        await this.node(leader).propose(Buffer.from(text), 5000);
        return;
      } catch (error) {
        // On a busy machine leadership may move under a proposal: that is for the caller to repeat.
        if (!(error instanceof ConsensusError)) throw error;
      }
    }
  }

  /** What became of this replica. */
  ended(name: string): Promise<Error> {
    return until(`${name} ends`, () => this.replica(name).fatal ?? undefined);
  }

  /** Asks whoever leads until it is made, or is refused for good. */
  async change(
    change: MembershipChange | ((leader: string) => MembershipChange),
  ): Promise<Membership> {
    for (;;) {
      const leader = await this.leader();
      try {
        const wanted = typeof change === 'function' ? change(leader) : change;
        return await this.node(leader).change(wanted, 5000);
      } catch (error) {
        if (!(error instanceof ConsensusError)) throw error;
        const passing = [
          'behind',
          'silent',
          'underWay',
          'termNotOpened',
          'noQuorum',
          'noKeyHolder',
        ];
        const { refusal }: { refusal?: ChangeRefusal } = { ...Object(error.facts) };
        if (refusal !== undefined && !passing.includes(refusal.kind)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async dispose(): Promise<void> {
    for (const { node } of this.replicas.values()) await node?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Looks again with each turn of the loop's timers until there is something to see. */
export async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const seen = look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) throw new Error(`${what}: not within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
