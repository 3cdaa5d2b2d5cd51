/**
 * How this replica comes to have a genesis: read back, or written once with every member there.
 *
 * Owns    the number and the run of this start, and the order in which a cluster is joined.
 * Never   decides when to found (founding.ts), or lets the core run before the record beside the key.
 * Rule    docs/architecture.md, consensus 8. Genesis on disk, then the record beside the key, then the
 *         first vote: a crash between any two is finished by the next start. Who draws the genesis has it
 *         on disk before it tells anybody, so a second one is never drawn beside it.
 * Proof   test/node-founding.test.ts.
 */
import type { Entropy } from './clock.js';
import type { Membership, RecoveredLog } from './core/types.js';
import { ConsensusError } from './errors.js';
import { type FoundingStep, planFounding } from './founding.js';
import { decodeGenesis } from './log-codec.js';
import type { LogWriter } from './log-writer.js';
import type { RaftNodeOptions } from './node-contract.js';
import type { Boot, Genesis, RecoveredStorage } from './storage.js';
import type { Hello } from './transport.js';

export type JoiningOptions = Pick<
  RaftNodeOptions<unknown>,
  'self' | 'members' | 'clusterId' | 'joined' | 'recordJoined'
> & { readonly entropy: Entropy };

export interface JoiningWorld {
  /** Of links that are up. */
  hellos(): Iterable<Hello>;
  /** The state machine's, before its first command. */
  firstState(): Uint8Array;
  planned(step: FoundingStep): void;
  /** The record is written: the core may run from here. */
  founded(genesis: Genesis, log: RecoveredLog): void;
  failed(error: unknown): void;
}

export class Joining {
  readonly #options: JoiningOptions;
  readonly #writer: LogWriter;
  readonly #world: JoiningWorld;
  readonly #runId: string;
  /** Of this process: the first one of a new log is 1. */
  #boot = 1;
  #genesis: Genesis | null = null;
  /** What founded members say the genesis is. */
  #told: Genesis | null = null;
  #joined = false;
  /** The founding under way, or done. */
  #founding: Promise<void> | null = null;

  constructor(options: JoiningOptions, writer: LogWriter, world: JoiningWorld) {
    this.#options = options;
    this.#writer = writer;
    this.#world = world;
    this.#runId = Buffer.from(options.entropy(16)).toString('hex');
  }

  get boot(): Boot {
    return { boot: this.#boot, runId: this.#runId };
  }

  get genesis(): Genesis | null {
    return this.#genesis;
  }

  /** The record beside the key is written. */
  get joined(): boolean {
    return this.#joined;
  }

  /** Empty until it is known. */
  get clusterId(): string {
    return this.#genesis?.clusterId ?? this.#options.clusterId ?? '';
  }

  /**
   * Before anybody is asked.
   * @returns false where the log came to its end meanwhile
   * @throws ConsensusError CONSENSUS_LOG_MISSING, CONSENSUS_LOG_FOREIGN, CONSENSUS_CLUSTER_DIFFERS
   */
  async resume({ genesis, boot }: RecoveredStorage): Promise<boolean> {
    const { self, joined, clusterId } = this.#options;
    if (genesis === null) {
      if (joined === null) return true;
      // It has promised things that are not here.
      throw new ConsensusError('CONSENSUS_LOG_MISSING', { clusterId: joined.clusterId });
    }
    if (genesis.self !== self.id) {
      throw new ConsensusError('CONSENSUS_LOG_FOREIGN', { found: genesis.self, wanted: self.id });
    }
    for (const given of [joined?.clusterId ?? null, clusterId]) {
      if (given === null || given === genesis.clusterId) continue;
      const facts = { found: genesis.clusterId, wanted: given };
      throw new ConsensusError('CONSENSUS_CLUSTER_DIFFERS', facts);
    }
    // The start is numbered on disk before anything is said: a copy of this disk has the same number.
    this.#boot = (boot?.boot ?? 0) + 1;
    this.#writer.add({ boot: this.boot });
    if (!(await this.#writer.settled())) return false;
    this.#genesis = genesis;
    // A crash came between the genesis and the record.
    if (joined === null) await this.#options.recordJoined(genesis);
    this.#joined = true;
    return true;
  }

  /** Once nothing of it is being written any more. */
  async settled(): Promise<void> {
    await this.#founding;
  }

  /** To be asked whenever a link or a hello changed. */
  tryFounding(): void {
    if (this.#genesis !== null || this.#founding !== null) return;
    const { self, members, clusterId } = this.#options;
    const hellos = new Map([...this.#world.hellos()].map((hello) => [hello.name, hello]));
    const plan = planFounding({ self, members, clusterId, hellos, told: this.#told });
    this.#world.planned(plan);
    if (plan.kind !== 'found') return;
    const drawn = plan.clusterId ?? `c-${Buffer.from(this.#options.entropy(8)).toString('hex')}`;
    this.#founding = this.#found(drawn, plan.membership).catch((error: unknown) =>
      this.#world.failed(error),
    );
  }

  /** A founded member says what the genesis is; only one with the members that are seen is taken. */
  onTold(bytes: Uint8Array): void {
    try {
      this.#told = decodeGenesis(bytes);
    } catch (error) {
      // What a peer sends must not end this process; the peer says it again with its next link.
      if (!(error instanceof ConsensusError)) throw error;
      return;
    }
    this.tryFounding();
  }

  async #found(clusterId: string, membership: Membership): Promise<void> {
    const genesis: Genesis = { clusterId, self: this.#options.self.id, membership };
    const state = this.#world.firstState();
    const log: RecoveredLog = {
      hard: { term: 0, votedFor: null },
      snapshot: { index: 0, term: 0, membership, state },
      entries: [],
    };
    this.#writer.add({ genesis, boot: this.boot, hard: log.hard, snapshot: log.snapshot });
    if (!(await this.#writer.settled())) return;
    this.#genesis = genesis;
    await this.#options.recordJoined(genesis);
    this.#joined = true;
    this.#world.founded(genesis, log);
  }
}
