/**
 * Real gates on one log in memory, and the trace of what they did.
 *
 * Owns    the lag: each replica has a state machine of its own, which catches up when it is told to, or when an entry
 *         of its own is committed.
 * Never   answers in the place of gate, state machine, watermark file or key: those are the real ones.
 */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Answer,
  type Command,
  type RecordId,
  SignState,
  voteSignBytes,
} from '@cometkms/sign-state';
import {
  Gate,
  type KeyBackend,
  openWatermark,
  type ReservationStore,
  type SignOutcome,
  type SignRequest,
  type WatermarkFile,
} from '@cometkms/signer';
import { Recorder } from '../src/model/recorder.js';

const { privateKey } = generateKeyPairSync('ed25519');
const key: KeyBackend = {
  publicKey: {
    type: 'ed25519',
    bytes: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32),
  },
  signsEarly: true,
  sign: async (bytes) => sign(null, bytes, privateKey),
};
export const id: RecordId = { chainId: 'test-1', key: key.publicKey };

/** A prevote at round 0. */
export function prevote(height: bigint, block: number, seconds: bigint): SignRequest {
  const hash = new Uint8Array(32).fill(block);
  const blockId = { hash, partSetHeader: { total: 1, hash } };
  const timestamp = { seconds, nanos: 0 };
  const vote = { type: 1, height, round: 0, blockId, timestamp };
  const hrs = { height, round: 0, step: 2 } as const;
  return { id, hrs, signBytes: voteSignBytes(id.chainId, vote), extensionSignBytes: null };
}

export class Gates {
  readonly recorder = new Recorder();
  readonly #log: Command[] = [];
  readonly #states = new Map<string, { readonly machine: SignState; applied: number }>();
  readonly #gates = new Map<string, Gate>();
  readonly #watermarks: WatermarkFile[] = [];

  private constructor(readonly directory: string) {}

  static async on(
    replicas: readonly string[],
    use: (gates: Gates) => Promise<void>,
  ): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'cometkms-model-'));
    try {
      const gates = new Gates(directory);
      for (const replica of replicas) await gates.#open(replica);
      await use(gates);
      for (const watermark of gates.#watermarks) await watermark.close();
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  /** Committed, and applied by nobody yet. @returns its index */
  commit(command: Command): number {
    this.#log.push(command);
    return this.#log.length;
  }

  /** @returns the answer to the entry at `index` */
  catchUp(replica: string, index = this.#log.length): Answer | undefined {
    const state = this.#states.get(replica);
    if (state === undefined) throw new RangeError(replica);
    let answer: Answer | undefined;
    while (state.applied < index) {
      const command = this.#log[state.applied] as Command;
      state.applied += 1;
      answer = state.machine.apply(command);
      this.recorder.applied(replica, state.applied, command, answer);
    }
    return answer;
  }

  async sign(replica: string, request: SignRequest): Promise<SignOutcome> {
    const outcome = await this.#gates.get(replica)?.sign(request, performance.now() + 60_000);
    if (outcome === undefined) throw new RangeError(replica);
    // The observer hears of it in a turn of the loop of its own.
    await new Promise(setImmediate);
    return outcome;
  }

  async #open(replica: string): Promise<void> {
    const opened = await openWatermark(join(this.directory, replica), id);
    if (opened.kind !== 'lost') throw new Error('a new directory holds no watermark');
    const watermark = await opened.rebuild(null);
    this.#watermarks.push(watermark);
    this.#states.set(replica, { machine: new SignState(), applied: 0 });
    const gate = new Gate({
      id,
      replica,
      key,
      store: this.#recorded(replica),
      watermark: this.recorder.watermark(replica, id, watermark),
      leadership: { mayServe: () => true, leader: () => replica },
      fatal: (error) => {
        throw error;
      },
      observer: {
        answered: (request, outcome) => this.recorder.answered(replica, request, outcome),
      },
    });
    this.#gates.set(replica, gate);
  }

  #recorded(replica: string): ReservationStore {
    const store = this.#store(replica);
    return { ...store, ...this.recorder.reservations(replica, store) };
  }

  #store(replica: string): ReservationStore {
    const elsewhere = (): never => {
      throw new Error('orders are committed by the test');
    };
    return {
      reserve: async (request) => {
        const index = this.commit({ kind: 'reserve', ...request });
        const answer = this.catchUp(replica, index);
        if (answer?.kind !== 'verdict') throw new Error('no verdict');
        const proof = { term: 1, index, commitMs: 0 };
        return { kind: 'committed', value: answer.verdict, proof };
      },
      read: () => this.#states.get(replica)?.machine.read(id),
      registerChain: elsewhere,
      raiseFloor: elsewhere,
      setLimits: elsewhere,
      setHaltHeight: elsewhere,
      retire: elsewhere,
    };
  }
}
