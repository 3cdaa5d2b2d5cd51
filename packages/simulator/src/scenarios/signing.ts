/**
 * Requests to sign, as a story tells them: a position and a block with a name.
 *
 * Owns    the one chain and the one key of every story, and the way from `7/0/prevote block=X` to canonical sign bytes
 *         and back.
 * Rule    CometBFT types/canonical.go, by way of sign-state: the bytes are the real ones.
 */
import {
  type BlockId,
  type Hrs,
  proposalSignBytes,
  type RecordId,
  readSignBytes,
  type Step,
  voteSignBytes,
} from '@cometkms/sign-state';

export const record: RecordId = {
  chainId: 'test-1',
  key: { type: 'ed25519', bytes: new Uint8Array(32).fill(7) },
};

export interface Request {
  readonly hrs: Hrs;
  readonly signBytes: Uint8Array;
}

const steps: Readonly<Record<string, Step>> = { proposal: 1, prevote: 2, precommit: 3 };
const stepNames = ['', 'proposal', 'prevote', 'precommit'] as const;

export const hrsPattern = '\\d+/\\d+/(?:proposal|prevote|precommit)';

/** @param text  as `7/0/prevote` */
export function readHrs(text: string): Hrs {
  const [height, round, step] = text.split('/');
  return { height: BigInt(height ?? ''), round: Number(round), step: steps[step ?? ''] ?? 1 };
}

export function writeHrs({ height, round, step }: Hrs): string {
  return `${height}/${round}/${stepNames[step]}`;
}

/** @param time  the second at which the node says that it asks */
export function requestFor(hrs: Hrs, block: string, time: number): Request {
  const { height, round, step } = hrs;
  const timestamp = { seconds: BigInt(time), nanos: 0 };
  const blockId = blockNamed(block);
  const asked = { height, round, blockId, timestamp };
  const signBytes =
    step === 1
      ? proposalSignBytes(record.chainId, { ...asked, polRound: -1 })
      : voteSignBytes(record.chainId, { ...asked, type: step - 1 });
  return { hrs, signBytes };
}

/** What the bytes say, as `7/0/prevote X`; with `of second 2` where the node did not ask at the first. */
export function describeBytes(signBytes: Uint8Array): string {
  const { hrs, blockId, timestamp } = readSignBytes(signBytes);
  const time = timestamp.seconds === 1n ? '' : ` of second ${timestamp.seconds}`;
  return `${writeHrs(hrs)} ${blockId === null ? 'nil' : nameOf(blockId.hash)}${time}`;
}

/** All but the timestamp, as text: equal where the content is equal. */
export function contentOf(signBytes: Uint8Array): { readonly at: string; readonly what: string } {
  const { hrs, content } = readSignBytes(signBytes);
  return { at: writeHrs(hrs), what: Buffer.from(content).toString('hex') };
}

/** Refusals show a block by the first bytes of its hash, and the wall clock: here it is a name, and no time. */
export function inWords(detail: string): string {
  return detail
    .replace(/block ([0-9A-F]{12})/g, (_all, hash: string) => nameOf(Buffer.from(hash, 'hex')))
    .replace(/ at \d{4}-\d\d-\d\dT[\d:.]+Z/g, '');
}

function blockNamed(name: string): BlockId | null {
  if (name === 'nil') return null;
  const hash = new Uint8Array(32);
  hash.set(new TextEncoder().encode(name));
  return { hash, partSetHeader: { total: 1, hash } };
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('latin1').replace(/\0/g, '');
}
