/**
 * A replica of the reference cluster with everything that may go wrong between asking and being answered.
 *
 * Owns    the faults, drawn one for each reservation: lost, late, unknown though committed, answered after the
 *         deadline; and applied state that lags behind the log.
 * Never   answers what the log did not say: the faults lose and delay, they do not lie. And it never asks who leads:
 *         every replica believes that it does.
 */
import type { RecordId, Reserve, SigningRecord, Verdict } from '@cometkms/sign-state';
import type { Committed, Leadership, MemoryCluster, ReservationStore } from '../src/index.js';

/**
 * `prompt`   commits and answers
 * `blind`    commits, and the answer is an unknown outcome
 * `lost`     never commits, unknown outcome
 * `stuck`    commits at once; its answer waits for `deliver`
 * `late`     commits when `deliver` is called, the answer with it
 * `zombie`   an unknown outcome now; commits when `deliver` is called
 * `refused`  nothing written: another leads
 */
export type Fault = 'prompt' | 'blind' | 'lost' | 'stuck' | 'late' | 'zombie' | 'refused';

export class FaultyReplica implements Leadership, Pick<ReservationStore, 'reserve' | 'read'> {
  readonly #cluster: MemoryCluster;
  readonly #name: string;
  #faults: Fault[] = [];
  #waiting: (() => void)[] = [];
  #applied: SigningRecord | undefined;
  #lags = false;

  constructor(cluster: MemoryCluster, name: string) {
    this.#cluster = cluster;
    this.#name = name;
  }

  /** For the next reservations; after them all are prompt. */
  draw(...faults: readonly Fault[]): void {
    this.#faults.push(...faults);
  }

  /** From now on `read` shows what is applied at this moment, until it catches up. */
  lag(id: RecordId): void {
    this.#applied = this.#cluster.read(id);
    this.#lags = true;
  }

  catchUp(): void {
    this.#lags = false;
  }

  /** What waits in the network arrives. */
  deliver(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  heal(): void {
    this.#faults = [];
    this.catchUp();
    this.deliver();
  }

  mayServe(): boolean {
    return true;
  }

  leader(): string | null {
    return this.#name;
  }

  read(id: RecordId): SigningRecord | undefined {
    return this.#lags ? this.#applied : this.#cluster.read(id);
  }

  async reserve(request: Omit<Reserve, 'kind'>): Promise<Committed<Verdict>> {
    const signBytes = new Uint8Array(request.signBytes);
    const commit = (): Committed<Verdict> => this.#commit({ ...request, signBytes });
    const unknown: Committed<Verdict> = { kind: 'unknown', detail: 'drawn' };
    switch (this.#faults.shift() ?? 'prompt') {
      case 'prompt':
        return commit();
      case 'blind':
        commit();
        return unknown;
      case 'lost':
        return unknown;
      case 'stuck': {
        const result = commit();
        return new Promise((resolve) => {
          this.#waiting.push(() => resolve(result));
        });
      }
      case 'late':
        return new Promise((resolve) => {
          this.#waiting.push(() => resolve(commit()));
        });
      case 'zombie':
        this.#waiting.push(commit);
        return unknown;
      case 'refused':
        return { kind: 'notLeader', leader: null };
    }
  }

  #commit(request: Omit<Reserve, 'kind'>): Committed<Verdict> {
    const { answer, proof } = this.#cluster.commit({ ...request, kind: 'reserve' });
    if (answer.kind !== 'verdict') throw new Error('a reservation is answered by a verdict');
    return { kind: 'committed', value: answer.verdict, proof };
  }
}
