/**
 * A second, deliberately naive opinion on whole histories, to hold against the state machine.
 *
 * Owns    its own order (one number per place), its own content (the words of the request, never its bytes),
 *         and the memory of everything that was ever reserved, not just of the last.
 * Never   imports more from the room than types: a bug that both shared would stay unseen.
 */
import type { Asking, Kind } from './world.js';

export interface Start {
  /** null: the key never signed. */
  readonly imported: Asking | null;
  readonly withBytes: boolean;
}

export interface Registration {
  readonly start: Start;
  readonly jump: number;
  readonly window: number;
}

/** Who raises a floor: only an operator knows what became of the old signer. */
export type Raiser = 'operator' | 'stateFile';

/** Kinds of verdict, and of answers to other commands. */
export type Said =
  | 'unregistered'
  | 'malformed'
  | 'retired'
  | 'halted'
  | 'regressed'
  | 'repeated'
  | 'retimed'
  | 'conflict'
  | 'leap'
  | 'cutover'
  | 'granted'
  | 'changed'
  | 'unchanged'
  | 'alreadyRegistered';

const BILLION = 1_000_000_000;
const NOWHERE = -1;

/** Rounds and steps of the tests are single digits. */
export function placeOf(height: bigint | number, round: number, kind: Kind): number {
  const step = { proposal: 1, prevote: 2, precommit: 3 }[kind];
  return Number(height) * 100 + round * 10 + step;
}
const place = (asking: Asking): number => placeOf(asking.height, asking.round, asking.kind);
const heightOf = (where: number): number => Math.floor(where / 100);
const content = (a: Asking): string =>
  a.kind === 'proposal' ? `${a.block} ${a.polRound}` : a.block;

export class ModelRecord {
  readonly taken = new Map<number, Asking>();
  floor = NOWHERE;
  halt = Number.POSITIVE_INFINITY;
  retired = false;
  guarded: boolean;
  jump: number;
  window: number;
  readonly #neverSigned: boolean;
  readonly #importedAt: number;
  /** The import, or the state file's floor above it: of meaning while guarded. */
  #oldSignerSeenAt: number;

  constructor({ start, jump, window }: Registration) {
    const { imported, withBytes } = start;
    this.jump = jump;
    this.window = window;
    this.guarded = imported !== null;
    this.#neverSigned = imported === null;
    this.#importedAt = imported === null ? NOWHERE : place(imported);
    this.#oldSignerSeenAt = this.#importedAt;
    if (imported === null) return;
    if (withBytes) this.taken.set(this.#importedAt, imported);
    else this.floor = this.#importedAt;
  }

  /** The verdict: the first line that holds. */
  judge(asked: Asking, wellFormed: boolean): Said {
    const here = place(asked);
    const highest = Math.max(NOWHERE, ...this.taken.keys());
    const base = heightOf(Math.max(highest, this.floor, 0));
    const height = heightOf(here);
    const before = this.taken.get(here);
    const first = this.#neverSigned && this.taken.size === 0;
    const reachable = first ? Math.max(BILLION, base + this.jump) : base + this.jump;
    const lines: readonly (readonly [holds: boolean, verdict: Said])[] = [
      [!wellFormed, 'malformed'],
      [this.retired, 'retired'],
      [height >= this.halt, 'halted'],
      [here <= this.floor || here < highest, 'regressed'],
      [before !== undefined && content(before) !== content(asked), 'conflict'],
      [before !== undefined && before.time !== asked.time, 'retimed'],
      [before !== undefined, 'repeated'],
      [height > reachable, 'leap'],
      [this.guarded && height - heightOf(this.#oldSignerSeenAt) > this.window, 'cutover'],
    ];
    const verdict = lines.find(([holds]) => holds)?.[1] ?? 'granted';
    if (verdict === 'granted') {
      this.taken.set(here, asked);
      this.guarded = false;
    }
    return verdict;
  }

  raise(to: number, by: Raiser): Said {
    if (this.retired) return 'retired';
    if (to <= this.floor) return 'unchanged';
    this.floor = to;
    if (to >= this.#importedAt) {
      if (by === 'operator') this.guarded = false;
      else this.#oldSignerSeenAt = to;
    }
    return 'changed';
  }

  setHalt(height: number): Said {
    if (this.retired) return 'retired';
    const changed = this.halt !== height;
    this.halt = height;
    return changed ? 'changed' : 'unchanged';
  }

  setLimits(jump: number, window: number): Said {
    if (this.retired) return 'retired';
    const changed = this.jump !== jump || this.window !== window;
    this.jump = jump;
    this.window = window;
    return changed ? 'changed' : 'unchanged';
  }

  retire(): Said {
    const changed = !this.retired;
    this.retired = true;
    return changed ? 'changed' : 'unchanged';
  }
}
