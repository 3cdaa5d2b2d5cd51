/**
 * How this replica comes to have a genesis: read back, written once with every member there, or, where it was
 * admitted later, taken from the members.
 *
 * Owns    the number and the run of this start, and the order in which a cluster is founded or joined.
 * Never   decides when to found (founding.ts) or whom to believe (admission.ts), or lets the core run before
 *         the record beside the key. Who is to join never founds.
 * Rule    docs/architecture.md, consensus 8. Genesis on disk, then the record beside the key, then the
 *         first vote: a crash between any two is finished by the next start. Who draws the genesis has it
 *         on disk before it tells anybody, so a second one is never drawn beside it.
 *         Who joins writes the genesis of the founders, not the membership that admitted it: then its log
 *         begins as theirs do, and what the log makes of the membership is the same everywhere. By that
 *         genesis it is no voter, so it asks for no votes until an entry makes it one. A vote or an
 *         acknowledgement of it counts with who durably knows that it joined, which it says once the record
 *         is written: lost after that, the record and those marks keep its identity out.
 * Proof   test/node-founding.test.ts, test/node-membership.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import { type AdmissionStep, planAdmission } from './admission.js';
import type { Entropy } from './clock.js';
import type { MemberId, RecoveredLog } from './core/types.js';
import { ConsensusError } from './errors.js';
import { type FoundingStep, planFounding } from './founding.js';
import { decodeGenesis } from './log-codec.js';
import type { LogWriter } from './log-writer.js';
import type { RaftNodeOptions } from './node-contract.js';
import type { Boot, Genesis, RecoveredStorage } from './storage.js';
import type { Hello } from './transport.js';

export type JoiningOptions = Pick<
  RaftNodeOptions<unknown>,
  'self' | 'members' | 'clusterId' | 'joins' | 'joined' | 'recordJoined'
> & { readonly entropy: Entropy };

export interface JoiningWorld {
  /** Of links that are up. */
  hellos(): Iterable<Hello>;
  /** The state machine's, before its first command. */
  firstState(): Uint8Array;
  planned(step: FoundingStep): void;
  asked(step: AdmissionStep): void;
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
  /** What founded members say the genesis is, and the last that said it. */
  readonly #told = new Map<MemberId, Genesis>();
  #lastTold: Genesis | null = null;
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

  /** It has no log yet, and waits for all the others to found one. */
  get isToFound(): boolean {
    return this.#genesis === null && this.#options.joins !== true;
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
  tryToBegin(): void {
    if (this.#genesis !== null || this.#founding !== null) return;
    if (this.#options.joins === true) this.#tryJoining();
    else this.#tryFounding();
  }

  #tryFounding(): void {
    const { self, members, clusterId } = this.#options;
    const hellos = new Map([...this.#world.hellos()].map((hello) => [hello.name, hello]));
    const plan = planFounding({ self, members, clusterId, hellos, told: this.#lastTold });
    this.#world.planned(plan);
    if (plan.kind !== 'found') return;
    const drawn = plan.clusterId ?? `c-${Buffer.from(this.#options.entropy(8)).toString('hex')}`;
    this.#begin({ clusterId: drawn, self: self.id, membership: plan.membership });
  }

  #tryJoining(): void {
    const { self, clusterId } = this.#options;
    const linked = [...this.#world.hellos()].filter(({ joined }) => joined).map(({ from }) => from);
    const told = new Map([...this.#told].filter(([from]) => linked.includes(from)));
    const plan = planAdmission({ self: self.id, clusterId, told });
    this.#world.asked(plan);
    if (plan.kind === 'join') this.#begin(plan.genesis);
  }

  /**
   * A founded member says what the genesis is, and who is a member now.
   * @returns what it said; null: nothing that this program understands
   */
  onTold(from: MemberId, bytes: Uint8Array): Genesis | null {
    try {
      this.#lastTold = decodeGenesis(bytes);
    } catch (error) {
      // What a peer sends must not end this process; the peer says it again with its next link.
      if (!(error instanceof ConsensusError)) throw error;
      return null;
    }
    if (this.#genesis === null) this.#told.set(from, this.#lastTold);
    this.tryToBegin();
    return this.#lastTold;
  }

  /** What it told may have changed when it tells again: it may come back as one who lost its disk. */
  linkEnded(peer: MemberId): void {
    this.#told.delete(peer);
  }

  #begin(genesis: Genesis): void {
    this.#founding = this.#write(genesis).catch((error: unknown) => this.#world.failed(error));
  }

  async #write(genesis: Genesis): Promise<void> {
    const log: RecoveredLog = {
      hard: { term: 0, votedFor: null },
      snapshot: {
        ...{ index: 0, term: 0, membership: genesis.membership },
        state: this.#world.firstState(),
      },
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

/** null: there is no cluster in it yet. */
export function logOf({ genesis, hard, snapshot, entries }: RecoveredStorage): RecoveredLog | null {
  if (genesis === null) return null;
  invariant(snapshot !== null, 'a founded log begins with a snapshot');
  return { hard, snapshot, entries };
}
