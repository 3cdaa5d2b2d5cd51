/**
 * What the committed log means, applied once by the oracle itself.
 *
 * Owns    the state after each committed command, the grants in the order of the log, and which record was in force
 *         when.
 * Never   is told by a replica what a verdict was: it has the bytes of the log and judges them twice, by the production
 *         code's state machine and by the design's table (reference-verdicts.ts); both must say the same.
 */
import {
  type Command,
  decodeCommand,
  type Hrs,
  idKey,
  type RecordId,
  type SigningRecord,
  SignState,
} from '@cometkms/sign-state';
import type { CommittedEntry } from './invariants/committed-is-for-ever.js';
import {
  type AskedBytes,
  after,
  asked,
  isSamePlace,
  type ReferenceRecord,
  verdictOf,
} from './reference-verdicts.js';
import { Violation } from './violation.js';

const promise = 'each verdict and each record is what the design’s table says';

/** Behind the last change of a record, for how long what was in force is kept. Milliseconds. */
const keptMs = 60_000;

export interface Grant {
  readonly index: number;
  readonly hrs: Hrs;
  readonly signBytes: Uint8Array;
  /** All but the timestamp. */
  readonly content: string;
}

interface InForce {
  readonly fromMs: number;
  /** After this entry of the log. */
  readonly index: number;
  readonly record: ReferenceRecord | undefined;
}

export class ProductTruth {
  readonly #now: () => number;
  readonly #state = new SignState();
  readonly #grants = new Map<string, Grant[]>();
  readonly #byPosition = new Map<string, Grant>();
  readonly #hashes = new Map<number, string>();
  readonly #inForce = new Map<string, InForce[]>();
  readonly #starts = new Map<string, AskedBytes & { readonly signBytes: Uint8Array }>();
  #applied = 0;

  /** @param now  simulated milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get applied(): number {
    return this.#applied;
  }

  /** @returns the command, and the grant where it is one */
  committed(
    index: number,
    { entry }: CommittedEntry,
  ): {
    readonly command: Command;
    readonly grant: Grant | null;
    /** It registered the chain. */
    readonly isFirst: boolean;
  } | null {
    this.#applied = index;
    if (entry.kind !== 'command') return null;
    const command = decodeCommand(entry.command);
    const name = idKey(command.id);
    const before = this.reference(command.id);
    const answer = this.#state.apply(command);
    const record = after(before, command);
    if (record !== before) this.#change(name, record);
    const it = command.kind === 'reserve' ? asked(command.signBytes) : null;
    if (it !== null) {
      const expected = verdictOf(before, it);
      const said = answer.kind === 'verdict' ? answer.verdict.kind : answer.kind;
      if (said !== expected) {
        throw new Violation(
          promise,
          `${positionOf(it.hrs)} at ${index} is ${said}, and should be ${expected}`,
        );
      }
    }
    if (before === undefined && record?.last != null) {
      const signBytes = Buffer.from(record.last.bytes, 'hex');
      this.#starts.set(name, { ...record.last, time: '', signBytes });
    }
    requireSame(index, this.#state.read(command.id), record);
    const isFirst = before === undefined && record !== undefined;
    if (it === null || record === before || command.kind !== 'reserve')
      return { command, grant: null, isFirst };
    const { signBytes } = command;
    const grant: Grant = { index, hrs: it.hrs, signBytes, content: it.content };
    const grants = this.#grants.get(name) ?? [];
    this.#grants.set(name, grants);
    grants.push(grant);
    this.#byPosition.set(`${name} ${positionOf(grant.hrs)}`, grant);
    return { command, grant, isFirst };
  }

  #change(name: string, record: ReferenceRecord | undefined): void {
    const fromMs = this.#now();
    const all = this.#inForce.get(name) ?? [
      { fromMs: Number.NEGATIVE_INFINITY, index: 0, record: undefined },
    ];
    all.push({ fromMs, index: this.#applied, record });
    this.#inForce.set(name, all);
    if (all.length < 2000) return;
    const from = all.findIndex((one) => one.fromMs > fromMs - keptMs);
    all.splice(0, Math.max(0, Math.min(from - 1, all.length - 1)));
  }

  /** In the order of the log. */
  grants(id: RecordId): readonly Grant[] {
    return this.#grants.get(idKey(id)) ?? [];
  }

  grantAt(id: RecordId, hrs: Hrs): Grant | undefined {
    return this.#byPosition.get(`${idKey(id)} ${positionOf(hrs)}`);
  }

  /** What it was registered with, where that carries bytes. */
  startOf(id: RecordId): (AskedBytes & { readonly signBytes: Uint8Array }) | undefined {
    return this.#starts.get(idKey(id));
  }

  record(id: RecordId): ReturnType<SignState['read']> {
    return this.#state.read(id);
  }

  records(): ReturnType<SignState['records']> {
    return this.#state.records();
  }

  /** What stands now, by the design's table. */
  reference(id: RecordId): ReferenceRecord | undefined {
    return this.#inForce.get(idKey(id))?.at(-1)?.record;
  }

  /** After the entry at `index`. Null: that is too long ago to be kept. */
  referenceAfter(
    id: RecordId,
    index: number,
  ): { readonly record: ReferenceRecord | undefined } | null {
    const all = this.#inForce.get(idKey(id));
    if (all === undefined) return { record: undefined };
    return all.findLast((one) => one.index <= index) ?? null;
  }

  /** All that were in force at some moment from then on, latest first. */
  *inForceSince(id: RecordId, sinceMs: number): Generator<ReferenceRecord | undefined> {
    const all = this.#inForce.get(idKey(id)) ?? [];
    for (let at = all.length - 1; at >= 0; at -= 1) {
      const one = all[at];
      yield one?.record;
      if ((one?.fromMs ?? 0) <= sinceMs) return;
    }
    if (all.length === 0) yield undefined;
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

/** @throws Violation */
export function requireSame(
  index: number,
  said: SigningRecord | undefined,
  expected: ReferenceRecord | undefined,
  by = 'the log',
): void {
  const differs = differenceOf(said, expected);
  if (differs !== null) throw new Violation(promise, `${by}, after ${index}: ${differs}`);
}

/** In words; null: the same. */
export function differenceOf(
  said: SigningRecord | undefined,
  expected: ReferenceRecord | undefined,
): string | null {
  if (said === undefined || expected === undefined) {
    return said === expected ? null : `registered ${said !== undefined}`;
  }
  const [x, y] = [said.last, expected.last];
  const bytes = x === null ? null : Buffer.from(x.signBytes).toString('hex');
  if (bytes !== (y?.bytes ?? null)) return 'another reservation stands';
  if (x !== null && y !== null && !isSamePlace(x.hrs, y.hrs)) return 'it stands elsewhere';
  const [f, g] = [said.floor, expected.floor];
  if ((f === null) !== (g === null) || (f && g && !isSamePlace(f, g)))
    return `the floor is ${f && positionOf(f)}, not ${g && positionOf(g)}`;
  if (said.haltHeight !== expected.haltHeight) return `it halts at ${said.haltHeight}`;
  if (said.cutoverArmed !== expected.guarded) return `the guard is armed: ${said.cutoverArmed}`;
  if (said.neverSigned !== expected.neverSigned) return `never signed: ${said.neverSigned}`;
  if (said.retired !== expected.retired) return `retired: ${said.retired}`;
  const { maxHeightJump, cutoverWindow } = said.limits;
  if (maxHeightJump !== expected.maxHeightJump) return `it may leap ${maxHeightJump}`;
  if (cutoverWindow !== expected.cutoverWindow) return `the window is ${cutoverWindow}`;
  return null;
}

export const positionOf = ({
  height,
  round,
  step,
}: {
  readonly height: bigint;
  readonly round: number;
  readonly step: number;
}): string => `${height}/${round}/${step}`;
