/**
 * What the committed log means, applied once by the oracle itself.
 *
 * Owns    the state after each committed command, and the list of grants in the order of the log.
 * Never   is told by a replica what a verdict was: it has the bytes of the log, and judges them again.
 */
import {
  decodeCommand,
  type Hrs,
  idKey,
  type RecordId,
  readSignBytes,
  SignState,
} from '@cometkms/sign-state';
import type { CommittedEntry } from './invariants/committed-is-for-ever.js';

export interface Grant {
  readonly index: number;
  readonly hrs: Hrs;
  readonly signBytes: Uint8Array;
  /** All but the timestamp. */
  readonly content: string;
}

export class ProductTruth {
  #state = new SignState();
  readonly #grants = new Map<string, Grant[]>();
  readonly #byPosition = new Map<string, Grant>();
  readonly #hashes = new Map<number, string>();
  #applied = 0;

  get applied(): number {
    return this.#applied;
  }

  committed(index: number, { entry }: CommittedEntry): Grant | null {
    this.#applied = index;
    if (entry.kind !== 'command') return null;
    const command = decodeCommand(entry.command);
    const answer = this.#state.apply(command);
    if (command.kind !== 'reserve' || answer.kind !== 'verdict') return null;
    if (answer.verdict.kind !== 'granted') return null;
    const grant: Grant = {
      index,
      hrs: command.hrs,
      signBytes: command.signBytes,
      content: Buffer.from(readSignBytes(command.signBytes).content).toString('hex'),
    };
    const name = idKey(command.id);
    const grants = this.#grants.get(name) ?? [];
    this.#grants.set(name, grants);
    grants.push(grant);
    this.#byPosition.set(`${name} ${positionOf(command.hrs)}`, grant);
    return grant;
  }

  /** In the order of the log. */
  grants(id: RecordId): readonly Grant[] {
    return this.#grants.get(idKey(id)) ?? [];
  }

  grantAt(id: RecordId, hrs: Hrs): Grant | undefined {
    return this.#byPosition.get(`${idKey(id)} ${positionOf(hrs)}`);
  }

  record(id: RecordId): ReturnType<SignState['read']> {
    return this.#state.read(id);
  }

  records(): ReturnType<SignState['records']> {
    return this.#state.records();
  }

  /** Of the state after the entry at `applied`. Computed once. */
  stateHash(): string {
    const known = this.#hashes.get(this.#applied);
    if (known !== undefined) return known;
    const hash = this.#state.hash();
    this.#hashes.clear();
    this.#hashes.set(this.#applied, hash);
    return hash;
  }
}

export const positionOf = ({ height, round, step }: Hrs): string => `${height}/${round}/${step}`;
