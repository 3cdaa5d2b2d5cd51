/**
 * The processes of one of the peers: started, started again, ended.
 *
 * Owns    one process and one log per replica.
 * Never   knows what they run: the file of each peer gives commands, and asks who leads.
 */
import { join } from 'node:path';
import { ManagedProcess, until } from '@cometkms/interop';
import type { RunningReplica, RunningSystem } from './system.js';

export interface ReplicaCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface ReplicaProbes {
  /** @returns the leader, where this replica answers and knows one */
  leaderKnownTo(name: string): Promise<string | undefined>;
}

const WITHIN_MS = 30_000;

export class ReplicaGroup implements RunningSystem {
  readonly #commands: ReadonlyMap<string, ReplicaCommand>;
  readonly #running = new Map<string, RunningReplica>();
  readonly #directory: string;
  readonly #probes: ReplicaProbes;

  /** Starts all of them. */
  constructor(directory: string, commands: readonly ReplicaCommand[], probes: ReplicaProbes) {
    this.#directory = directory;
    this.#commands = new Map(commands.map((command) => [command.name, command]));
    this.#probes = probes;
    for (const { name } of commands) this.#start(name);
  }

  get replicas(): readonly RunningReplica[] {
    return [...this.#running.values()];
  }

  /** The one that names itself: until they notice, the others name one that is gone or frozen. */
  leader(): Promise<string> {
    return until(
      'a leader',
      async () => {
        for (const { name, process } of this.replicas) {
          if (process.alive && (await this.#probes.leaderKnownTo(name)) === name) return name;
        }
        return undefined;
      },
      WITHIN_MS,
    );
  }

  async restart(name: string): Promise<void> {
    this.#start(name);
    await until(`${name} back among the others`, () => this.#probes.leaderKnownTo(name), WITHIN_MS);
  }

  async stop(): Promise<void> {
    for (const { process } of this.replicas) process.signal('SIGCONT');
    await Promise.all(this.replicas.map(({ process }) => process.stop()));
  }

  #start(name: string): void {
    const replica = this.#commands.get(name);
    if (replica === undefined) throw new Error(`no replica ${name}`);
    if (this.#running.get(name)?.process.alive) throw new Error(`${name} runs already`);
    const logPath = join(this.#directory, `${name}.log`);
    const { command, args } = replica;
    const process = new ManagedProcess({ command, args, logPath });
    this.#running.set(name, { name, process, logPath });
  }
}

/** For what is one process: it leads as long as it runs. */
export const alone: ReplicaProbes = { leaderKnownTo: async (name) => name };
