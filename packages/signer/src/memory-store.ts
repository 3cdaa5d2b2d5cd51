/**
 * The reference implementation of the seams: one log in memory, any number of replicas that use it.
 *
 * Owns    what ReservationStore and Leadership mean, in the fewest lines: one state machine, one order of commands.
 * Never   used in production: nothing here outlives the process.
 * Proof   test/conformance.test.ts runs the suites on it, as the program runs them on its own.
 */
import { invariant } from '@cometkms/invariant';
import {
  type Answer,
  type Command,
  type Hrs,
  type Limits,
  type RecordId,
  type Reserve,
  type SigningRecord,
  SignState,
  type StartingPoint,
  type Verdict,
} from '@cometkms/sign-state';
import type { Change, CommitProof, Committed, Leadership, ReservationStore } from './seams.js';

export class MemoryCluster {
  #state = new SignState();
  #term = 1;
  #index = 0;
  #leader: string | null = null;

  get leader(): string | null {
    return this.#leader;
  }

  /** Each election is a new term, as in Raft. null: nobody leads. */
  elect(leader: string | null): void {
    this.#leader = leader;
    this.#term += 1;
  }

  /** All that survives is what a snapshot holds. */
  restart(): void {
    this.#state = SignState.restore(this.#state.snapshot());
  }

  replica(name: string): MemoryReplica {
    return new MemoryReplica(this, name);
  }

  read(id: RecordId): SigningRecord | undefined {
    return this.#state.read(id);
  }

  /** Commits at once, whoever asks: the caller checks that it leads. */
  commit(command: Command): { readonly answer: Answer; readonly proof: CommitProof } {
    this.#index += 1;
    const answer = this.#state.apply(command);
    return { answer, proof: { term: this.#term, index: this.#index, commitMs: 0 } };
  }
}

export class MemoryReplica implements ReservationStore, Leadership {
  readonly #cluster: MemoryCluster;
  readonly #name: string;

  constructor(cluster: MemoryCluster, name: string) {
    this.#cluster = cluster;
    this.#name = name;
  }

  mayServe(): boolean {
    return this.#cluster.leader === this.#name;
  }

  leader(): string | null {
    return this.#cluster.leader;
  }

  read(id: RecordId): SigningRecord | undefined {
    return this.#cluster.read(id);
  }

  async reserve(request: Omit<Reserve, 'kind'>): Promise<Committed<Verdict>> {
    const { hrs, signBytes } = request;
    const copy = { hrs: { ...hrs }, signBytes: new Uint8Array(signBytes) };
    const result = await this.#propose({ ...request, ...copy, kind: 'reserve' });
    if (result.kind !== 'committed') return result;
    const { value: answer, proof } = result;
    invariant(answer.kind === 'verdict', 'a reservation is answered by a verdict', { answer });
    return { kind: 'committed', value: answer.verdict, proof };
  }

  registerChain(id: RecordId, start: StartingPoint, limits: Limits): Promise<Committed<Change>> {
    return this.#change({ kind: 'registerChain', id, start, limits, by: this.#name, at: 0 });
  }

  raiseFloor(id: RecordId, floor: Hrs, endsCutover: boolean): Promise<Committed<Change>> {
    return this.#change({ kind: 'raiseFloor', id, floor, endsCutover });
  }

  setLimits(id: RecordId, limits: Limits): Promise<Committed<Change>> {
    return this.#change({ kind: 'setLimits', id, limits });
  }

  setHaltHeight(id: RecordId, height: bigint | null): Promise<Committed<Change>> {
    return this.#change({ kind: 'setHaltHeight', id, height });
  }

  retire(id: RecordId): Promise<Committed<Change>> {
    return this.#change({ kind: 'retire', id });
  }

  async #change(command: Exclude<Command, Reserve>): Promise<Committed<Change>> {
    const result = await this.#propose(command);
    if (result.kind !== 'committed') return result;
    const { value: answer, proof } = result;
    invariant(answer.kind !== 'verdict', 'only a reservation is answered by a verdict', { answer });
    return { kind: 'committed', value: answer, proof };
  }

  /** Answers later than it was asked, as a log does, so that callers cannot lean on less. */
  async #propose(command: Command): Promise<Committed<Answer>> {
    await Promise.resolve();
    if (!this.mayServe()) return { kind: 'notLeader', leader: this.leader() };
    const { answer, proof } = this.#cluster.commit(command);
    return { kind: 'committed', value: answer, proof };
  }
}
