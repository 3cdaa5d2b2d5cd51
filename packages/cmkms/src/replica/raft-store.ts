/**
 * The replicated log as the signer's ReservationStore.
 *
 * Owns    turning commands into proposals, and what became of a proposal into a value.
 * Never   lets a failed proposal look like a verdict: unknown stays unknown.
 * Proof   test/replica-raft-store.test.ts runs the signer's conformance suite on three real nodes.
 */
import { ConsensusError } from '@cometkms/consensus';
import { invariant } from '@cometkms/invariant';
import {
  type Answer,
  type Command,
  encodeCommand,
  type Hrs,
  type Limits,
  type RecordId,
  type Reserve,
  type SigningRecord,
  type StartingPoint,
  type Verdict,
} from '@cometkms/sign-state';
import type { Change, Committed, ReservationStore } from '@cometkms/signer';
import type { ReplicaClock } from './edges.js';
import type { SigningStateMachine } from './state-machine.js';

/** What the store needs of consensus. */
export interface Proposes {
  propose(
    command: Uint8Array,
    timeoutMs: number,
  ): Promise<{ readonly answer: Answer; readonly term: number; readonly index: number }>;
}

/** Changes by an operator or by registration may wait for an election. */
const CHANGE_TIMEOUT_MS = 5000;

export class RaftStore implements ReservationStore {
  readonly #node: Proposes;
  readonly #machine: SigningStateMachine;
  readonly #replica: string;
  readonly #reserveTimeoutMs: number;
  readonly #clock: ReplicaClock;

  /** @param replica the name that goes into each command, for messages */
  constructor(
    node: Proposes,
    machine: SigningStateMachine,
    replica: string,
    reserveTimeoutMs: number,
    clock: ReplicaClock,
  ) {
    this.#node = node;
    this.#machine = machine;
    this.#replica = replica;
    this.#reserveTimeoutMs = reserveTimeoutMs;
    this.#clock = clock;
  }

  async reserve(request: Omit<Reserve, 'kind'>): Promise<Committed<Verdict>> {
    const command: Command = { kind: 'reserve', ...request };
    return await this.#commit(command, this.#reserveTimeoutMs, (answer) => {
      invariant(answer.kind === 'verdict', 'a reservation is answered by a verdict');
      return answer.verdict;
    });
  }

  registerChain(id: RecordId, start: StartingPoint, limits: Limits): Promise<Committed<Change>> {
    const [by, at] = [this.#replica, this.#clock.wallMs()];
    return this.#change({ kind: 'registerChain', id, start, limits, by, at });
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

  read(id: RecordId): SigningRecord | undefined {
    return this.#machine.read(id);
  }

  #change(command: Command): Promise<Committed<Change>> {
    return this.#commit(command, CHANGE_TIMEOUT_MS, (answer) => {
      invariant(answer.kind !== 'verdict', 'only a reservation is answered by a verdict');
      return answer;
    });
  }

  async #commit<T>(
    command: Command,
    timeoutMs: number,
    read: (answer: Answer) => T,
  ): Promise<Committed<T>> {
    const started = this.#clock.nowMs();
    try {
      // Encoded, so copied, before anything is awaited.
      const { answer, term, index } = await this.#node.propose(encodeCommand(command), timeoutMs);
      const proof = { term, index, commitMs: this.#clock.nowMs() - started };
      return { kind: 'committed', value: read(answer), proof };
    } catch (error) {
      if (!(error instanceof ConsensusError)) throw error;
      if (error.code === 'CONSENSUS_NOT_LEADER') return { kind: 'notLeader', leader: null };
      // Whatever else went wrong: the entry may be in somebody's log.
      return { kind: 'unknown', detail: error.message };
    }
  }
}
