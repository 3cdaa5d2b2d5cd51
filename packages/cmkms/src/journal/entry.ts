/**
 * One line of history: a request to sign, its verdict, and its release where there was one.
 *
 * Owns    the entry, its bytes, and the keys under which it is found by time and by (height, round, step).
 * Never   holds a signature, key material, or an extension's content.
 * Proof   test/journal-entry.test.ts.
 */
import type { Outcome, StageLabel } from '../metrics/index.js';
import type { ChainKey, SignType } from '../status.js';

export interface JournalEntry extends ChainKey {
  /** When the request came; Unix milliseconds, this replica's wall clock. */
  readonly at: number;
  readonly type: SignType;
  readonly height: bigint;
  readonly round: number;
  /** Upper-case hex of the block id's hash, or `nil`. */
  readonly block: string;
  readonly validator: string;
  /** The replica that held the link and asked; null where it was this one. */
  readonly via: string | null;
  readonly outcome: Outcome;
  /** The evidence of a refusal, in words. */
  readonly detail: string | null;
  /** Where the log holds the reservation. */
  readonly term: number | null;
  readonly index: number | null;
  readonly stagesMs: Partial<Readonly<Record<StageLabel, number>>>;
  /** Canonical sign bytes: signed where released, asked for where refused. */
  readonly signBytes: Uint8Array;
}

const maxDetailChars = 1024;
/** A canonical vote or proposal has some 120 bytes; more is a request that was refused for it. */
const maxSignBytes = 1024;
const steps: Readonly<Record<SignType, number>> = { proposal: 1, prevote: 2, precommit: 3 };

/** Sorts before every character of a chain id or an address. */
const SEPARATOR = '\u0000';

export function encodeEntry(entry: JournalEntry): string {
  return JSON.stringify({
    ...entry,
    height: entry.height.toString(),
    detail: entry.detail?.slice(0, maxDetailChars) ?? null,
    signBytes: Buffer.from(entry.signBytes).subarray(0, maxSignBytes).toString('hex'),
  });
}

/** @param text  what `encodeEntry` made; LevelDB's checksums stand for that */
export function decodeEntry(text: string): JournalEntry {
  const plain = JSON.parse(text) as Omit<JournalEntry, 'height' | 'signBytes'> & {
    readonly height: string;
    readonly signBytes: string;
  };
  return {
    ...plain,
    height: BigInt(plain.height),
    signBytes: new Uint8Array(Buffer.from(plain.signBytes, 'hex')),
  };
}

/** Entries lie in the order in which they were written; `number` never repeats in one journal. */
export function entryKey(number: number): string {
  return `e${SEPARATOR}${digits(number, 16)}`;
}

export const entryKeys = { gte: entryKey(0), lt: 'f' } as const;

/** @throws SyntaxError  no key of ours */
export function numberOf(key: string): number {
  const number = Number(key.slice(key.lastIndexOf(SEPARATOR) + 1));
  if (!Number.isSafeInteger(number)) throw new SyntaxError(`not a key of the journal: ${key}`);
  return number;
}

export function timeKey(at: number, number: number): string {
  return `t${SEPARATOR}${digits(Math.max(0, Math.floor(at)), 15)}${SEPARATOR}${digits(number, 16)}`;
}

export function positionKey(entry: JournalEntry, number: number): string {
  const position = [
    digits(entry.height, 19),
    digits(entry.round, 10),
    steps[entry.type].toString(),
    digits(number, 16),
  ];
  return `${positionPrefix(entry)}${position.join(SEPARATOR)}`;
}

/** By time: `from` inclusive, `to` exclusive, Unix milliseconds. By height: both inclusive. */
export type JournalRange =
  | { readonly by: 'time'; readonly from: number; readonly to: number }
  | {
      readonly by: 'height';
      readonly chain: ChainKey;
      readonly from: bigint;
      readonly to: bigint;
    };

export function rangeKeys(range: JournalRange): { readonly gte: string; readonly lt: string } {
  if (range.by === 'time') return { gte: timeKey(range.from, 0), lt: timeKey(range.to, 0) };
  const prefix = positionPrefix(range.chain);
  return {
    gte: `${prefix}${digits(range.from, 19)}`,
    lt: `${prefix}${digits(range.to, 19)}${SEPARATOR}~`,
  };
}

function positionPrefix(chain: ChainKey): string {
  return ['h', chain.chainId, chain.keyAddress, ''].join(SEPARATOR);
}

function digits(value: number | bigint, width: number): string {
  return value.toString().padStart(width, '0');
}
