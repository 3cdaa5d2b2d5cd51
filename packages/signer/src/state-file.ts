/**
 * priv_validator_state.json, in CometBFT's format.
 *
 * Owns    reading it strictly, writing it, and deriving it from the replicated record.
 * Never   decides what may be signed. The file is derived; the log is the truth.
 * Rule    CometBFT privval/file.go (`FilePVLastSignState`). It panics on sign bytes without a signature, so both are
 *         written or neither: a plain node can load whatever stands on the disk at any moment.
 * Proof   test/state-file.test.ts
 */
import {
  comparePosition,
  type Hrs,
  type Position,
  readSignBytes,
  type SigningRecord,
} from '@cometkms/sign-state';
import { replaceFile } from './atomic-file.js';
import { type DurableFiles, systemFiles } from './durable-files.js';
import { detailOf, SignerError } from './errors.js';

export interface StateFile {
  /** Height 0, round 0, step 0: nothing was signed yet, or the node was reset. */
  readonly position: Position;
  readonly signed: Signed | null;
}

export interface Signed {
  readonly signature: Uint8Array;
  /** Canonical sign bytes, length prefix included. They say the same position as the file. */
  readonly signBytes: Uint8Array;
}

const nothingSigned: Position = { height: 0n, round: 0, step: 0 };
const maxHeight = 2n ** 63n - 1n;
const maxRound = 2 ** 31 - 1;

/**
 * @throws SignerError SIGNER_STATE_MISSING, SIGNER_STATE_DAMAGED
 * @throws SignerError SIGNER_FILE_KIND, SIGNER_FILE_FAILED  a link, a pipe, or not readable
 */
export async function readStateFile(
  path: string,
  files: DurableFiles = systemFiles,
): Promise<StateFile> {
  const file = await files.read(path);
  if (file === null) throw new SignerError('SIGNER_STATE_MISSING', { path });
  return parseStateFile(file.bytes.toString('utf8'), path);
}

/** Atomic and durable, mode 0600. @throws SignerError SIGNER_FILE_FAILED */
export async function writeStateFile(
  path: string,
  state: StateFile,
  files: DurableFiles = systemFiles,
): Promise<void> {
  await replaceFile(path, Buffer.from(formatStateFile(state)), files);
}

/**
 * What a plain validator must start from, given the record.
 * @param lastSignature the newest signature that this replica made or learned, if any. Used only if it is over the
 *        very bytes of the record's last reservation; otherwise the position stands alone, as a floor.
 */
export function deriveStateFile(
  record: SigningRecord,
  lastSignature: (Signed & { readonly hrs: Hrs }) | null,
): StateFile {
  const { last, floor } = record;
  if (last === null || (floor !== null && comparePosition(floor, last.hrs) >= 0)) {
    return { position: floor ?? nothingSigned, signed: null };
  }
  const belongs =
    lastSignature !== null &&
    comparePosition(lastSignature.hrs, last.hrs) === 0 &&
    Buffer.from(last.signBytes).equals(lastSignature.signBytes);
  if (!belongs) return { position: last.hrs, signed: null };
  const { signature, signBytes } = lastSignature;
  return { position: last.hrs, signed: { signature, signBytes } };
}

/** The field order and indent of Go's writer. */
export function formatStateFile({ position, signed }: StateFile): string {
  const { height, round, step } = position;
  const both = signed && {
    signature: Buffer.from(signed.signature).toString('base64'),
    signbytes: Buffer.from(signed.signBytes).toString('hex').toUpperCase(),
  };
  return JSON.stringify({ height: height.toString(), round, step, ...both }, null, 2);
}

/**
 * @param path for errors only
 * @throws SignerError SIGNER_STATE_DAMAGED
 */
export function parseStateFile(text: string, path: string): StateFile {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new SignerError('SIGNER_STATE_DAMAGED', { path, detail: error.message });
  }
}

/** Carries what is wrong from where it is seen to `parseStateFile`, which knows the path. */
class Damage extends Error {}

function require(holds: boolean, detail: string): asserts holds {
  if (!holds) throw new Damage(detail);
}

function parse(text: string): StateFile {
  require(text.trim() !== '', 'it is empty');
  const file = parseJson(text);
  require(typeof file === 'object' && file !== null && !Array.isArray(file), 'it is no object');
  const { height, round, step, signature, signbytes, ...others } = file as Record<string, unknown>;
  const [foreign] = Object.keys(others);
  // tmkms and horcrux keep other files under this name: read as this one, they would lose facts.
  require(foreign === undefined, `it has the foreign field "${foreign}"`);
  const position: Position = {
    height: parseHeight(height),
    round: parseRound(round),
    step: parseStep(step),
  };
  return { position, signed: parseSigned(signature, signbytes, position) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Damage('it is not JSON');
  }
}

function parseHeight(value: unknown): bigint {
  require(typeof value !== 'number', 'height is a bare number, CometBFT quotes it');
  require(typeof value === 'string' &&
    /^(0|[1-9][0-9]{0,18})$/.test(value), 'height is no decimal');
  const height = BigInt(value);
  require(height <= maxHeight, 'height is above int64');
  return height;
}

function parseRound(value: unknown): number {
  require(typeof value === 'number' && Number.isInteger(value), 'round is no whole number');
  require(value >= 0 && value <= maxRound, 'round is not an int32 from 0 on');
  return value;
}

function parseStep(value: unknown): Position['step'] {
  require(value === 0 || value === 1 || value === 2 || value === 3, 'step is none of 0, 1, 2, 3');
  return value;
}

function parseSigned(base64: unknown, hex: unknown, position: Position): Signed | null {
  if (base64 === undefined && hex === undefined) return null;
  require(base64 !== undefined, 'it has signbytes without a signature');
  require(hex !== undefined, 'it has a signature without signbytes');
  require(typeof base64 === 'string' && base64 !== '', 'signature is no text');
  require(typeof hex === 'string' && hex !== '', 'signbytes is no text');
  const signature = Buffer.from(base64, 'base64');
  const signBytes = Buffer.from(hex, 'hex');
  // Buffer skips or stops at what does not belong; only the way back shows it.
  require(signature.toString('base64') === base64, 'signature is not base64');
  require(signBytes.toString('hex') === hex.toLowerCase(), 'signbytes is not hex');
  requireSamePosition(signBytes, position);
  return { signature: new Uint8Array(signature), signBytes: new Uint8Array(signBytes) };
}

/** Stricter than upstream, which believes the file: bytes of another position were edited in. */
function requireSamePosition(signBytes: Uint8Array, position: Position): void {
  let said: Hrs;
  try {
    said = readSignBytes(signBytes).hrs;
  } catch (error) {
    throw new Damage(`signbytes: ${detailOf(error)}`);
  }
  require(comparePosition(said, position) === 0, 'signbytes say another position than the file');
}
