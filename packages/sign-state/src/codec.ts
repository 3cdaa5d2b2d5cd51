/**
 * Commands and snapshots as bytes for the replicated log.
 *
 * Owns    proto/sign-state.proto, the versions, and the border between its numbers and ours (int64 and bigint).
 * Never   skips what it does not know: a replica that ignored a command, a kind or a field would go on with
 *         another state than its peers. Whoever sees an error from a decoder here must end the process.
 *         Never encodes what it could not decode: such a command would stop every replica, for ever.
 * Rule    docs/architecture.md, consensus, versions.
 * Proof   test/codec.test.ts, test/state.test.ts (the bytes of version 1 stay the same).
 */
import Long from 'long';
import { cometkms } from '#generated/sign-state.js';
import { readSignBytesOf } from './canonical.js';
import { SignStateError } from './errors.js';
import { MAX_INT32, MAX_INT64 } from './hrs.js';
import { idKey } from './identity.js';
import type {
  Command,
  Hrs,
  Limits,
  Position,
  RecordId,
  Reservation,
  SigningRecord,
  StartingPoint,
} from './types.js';
import { copyBytes, sameBytes } from './wire.js';

import wire = cometkms.signState;

type Subject = 'command' | 'snapshot';
type Maybe<T> = T | null | undefined;

/** Raised by every change of meaning, of commands and snapshots alike; with it, and never before it, `knownRules`. */
export const COMMAND_VERSION = 1;
export const SNAPSHOT_VERSION = 1;

// ---------------------------------------------------------------------------------- commands

/** @throws SignStateError SIGN_STATE_OUT_OF_RANGE  a number or a text that the bytes could not carry exactly */
export function encodeCommand(command: Command): Uint8Array {
  const id = toId(command.id);
  const message: wire.Command.$Properties = { version: COMMAND_VERSION };
  switch (command.kind) {
    case 'reserve':
      message.reserve = { id, ...toReservation(command) };
      break;
    case 'registerChain':
      message.registerChain = {
        id,
        ...toStart(command.start),
        limits: toLimits(command.limits),
        by: toText('by', command.by),
        at: toMillis(command.at),
      };
      break;
    case 'raiseFloor':
      message.raiseFloor = { id, floor: toHrs(command.floor), endsCutover: command.endsCutover };
      break;
    case 'setLimits':
      message.setLimits = { id, limits: toLimits(command.limits) };
      break;
    case 'setHaltHeight':
      message.setHaltHeight =
        command.height === null ? { id } : { id, height: toInt64('height', command.height) };
      break;
    case 'retire':
      message.retire = { id };
      break;
  }
  return wire.Command.encode(message).finish();
}

/**
 * @throws SignStateError SIGN_STATE_VERSION  a version, a kind or a field that this one does not know: stop
 * @throws SignStateError SIGN_STATE_DAMAGED  no version writes such bytes: stop
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const message = decoded('command', () => wire.Command.decode(bytes));
  requireVersion('command', message.version, COMMAND_VERSION);
  const command = fromCommand(message);
  // What would not be written again was not understood: an unknown field, wherever it is nested.
  if (!sameBytes(encodeCommand(command), bytes)) throw unknown('command', 'a field that it lacks');
  return command;
}

function fromCommand(message: wire.Command): Command {
  const { kind } = message;
  switch (kind) {
    case 'reserve': {
      const it = message.reserve;
      const { hrs, signBytes, by, at } = fromReservation('command', it);
      return { kind, id: fromId('command', it?.id), hrs, signBytes, by, at };
    }
    case 'registerChain': {
      const it = message.registerChain;
      return {
        kind,
        id: fromId('command', it?.id),
        start: fromStart(it),
        limits: fromLimits('command', it?.limits),
        by: it?.by ?? '',
        at: fromMillis('command', it?.at),
      };
    }
    case 'raiseFloor': {
      const it = message.raiseFloor;
      return {
        kind,
        id: fromId('command', it?.id),
        floor: fromHrs('command', it?.floor),
        endsCutover: it?.endsCutover ?? false,
      };
    }
    case 'setLimits': {
      const it = message.setLimits;
      return { kind, id: fromId('command', it?.id), limits: fromLimits('command', it?.limits) };
    }
    case 'setHaltHeight': {
      const it = message.setHaltHeight;
      return { kind, id: fromId('command', it?.id), height: fromOptionalInt64(it?.height) };
    }
    case 'retire':
      return { kind, id: fromId('command', message.retire?.id) };
    default:
      throw unknown('command', 'a kind that it lacks');
  }
}

function toStart(start: StartingPoint): wire.RegisterChain.$Properties {
  if (start.kind === 'neverSigned') return { neverSigned: {} };
  const position = toHrs(start.position);
  const { signBytes } = start;
  return { imported: signBytes === null ? { position } : { position, signBytes } };
}

function fromStart(it: Maybe<wire.RegisterChain.$Properties>): StartingPoint {
  if (it?.neverSigned) return { kind: 'neverSigned' };
  if (!it?.imported) throw unknown('command', 'a starting point that it lacks');
  const { position, signBytes } = it.imported;
  return {
    kind: 'imported',
    position: fromHrs('command', position),
    signBytes: signBytes ? copyBytes(signBytes) : null,
  };
}

// --------------------------------------------------------------------------------- snapshots

/** @param records  in the order of their ids */
export function encodeSnapshot(records: readonly SigningRecord[]): Uint8Array {
  return wire.Snapshot.encode({
    version: SNAPSHOT_VERSION,
    records: records.map(toRecord),
  }).finish();
}

/**
 * Guarantees of what it returns: ids ascend, each once; a last reservation's bytes are canonical and say
 * its own chain and position.
 * @throws SignStateError SIGN_STATE_VERSION  a version or a field that this one does not know: stop
 * @throws SignStateError SIGN_STATE_DAMAGED  no version writes such bytes: stop
 */
export function decodeSnapshot(bytes: Uint8Array): readonly SigningRecord[] {
  const message = decoded('snapshot', () => wire.Snapshot.decode(bytes));
  requireVersion('snapshot', message.version, SNAPSHOT_VERSION);
  const records = message.records.map(fromRecord);
  let previous = '';
  for (const { id } of records) {
    const key = idKey(id);
    if (key <= previous) throw damaged('snapshot', `record ${key} is out of order`);
    previous = key;
  }
  if (!sameBytes(encodeSnapshot(records), bytes))
    throw unknown('snapshot', 'a field that it lacks');
  return records;
}

function toRecord(record: SigningRecord): wire.Record.$Properties {
  return {
    id: toId(record.id),
    last: record.last && toReservation(record.last),
    floor: record.floor && toPosition(record.floor),
    haltHeight: record.haltHeight === null ? null : toInt64('haltHeight', record.haltHeight),
    limits: toLimits(record.limits),
    cutoverArmed: record.cutoverArmed,
    neverSigned: record.neverSigned,
    retired: record.retired,
  };
}

function fromRecord(it: wire.Record.$Properties): SigningRecord {
  const id = fromId('snapshot', it.id);
  const last = it.last ? fromReservation('snapshot', it.last) : null;
  if (last !== null) {
    decoded('snapshot', () => readSignBytesOf(last.signBytes, id.chainId, last.hrs));
  }
  return {
    id,
    last,
    floor: it.floor ? fromPosition('snapshot', it.floor) : null,
    haltHeight: fromOptionalInt64(it.haltHeight),
    limits: fromLimits('snapshot', it.limits),
    cutoverArmed: it.cutoverArmed ?? false,
    neverSigned: it.neverSigned ?? false,
    retired: it.retired ?? false,
  };
}

// ------------------------------------------------------------------------------------- parts

function toId({ chainId, key }: RecordId): wire.RecordId.$Properties {
  return {
    chainId: toText('chainId', chainId),
    keyType: toText('key.type', key.type),
    keyBytes: key.bytes,
  };
}

function fromId(subject: Subject, it: Maybe<wire.RecordId.$Properties>): RecordId {
  if (!it) throw damaged(subject, 'no id');
  const bytes = copyBytes(it.keyBytes ?? new Uint8Array(0));
  return { chainId: it.chainId ?? '', key: { type: it.keyType ?? '', bytes } };
}

function toReservation({ hrs, signBytes, by, at }: Reservation): wire.Reservation.$Properties {
  return { hrs: toHrs(hrs), signBytes, by: toText('by', by), at: toMillis(at) };
}

function fromReservation(subject: Subject, it: Maybe<wire.Reservation.$Properties>): Reservation {
  return {
    hrs: fromHrs(subject, it?.hrs),
    signBytes: copyBytes(it?.signBytes ?? new Uint8Array(0)),
    by: it?.by ?? '',
    at: fromMillis(subject, it?.at),
  };
}

function toHrs(hrs: Hrs): wire.Position.$Properties {
  if (![1, 2, 3].includes(hrs.step)) throw outOfRange('step', hrs.step);
  return toPosition(hrs);
}

function fromHrs(subject: Subject, it: Maybe<wire.Position.$Properties>): Hrs {
  const { height, round, step } = fromPosition(subject, it);
  if (step === 0) throw damaged(subject, 'step 0');
  return { height, round, step };
}

function toPosition({ height, round, step }: Position): wire.Position.$Properties {
  if (!Number.isInteger(round) || round < -MAX_INT32 - 1 || round > MAX_INT32) {
    throw outOfRange('round', round);
  }
  return { height: toInt64('height', height), round, step };
}

function fromPosition(subject: Subject, it: Maybe<wire.Position.$Properties>): Position {
  if (!it) throw damaged(subject, 'no position');
  const step = it.step ?? 0;
  if (step !== 0 && step !== 1 && step !== 2 && step !== 3) throw damaged(subject, `step ${step}`);
  return { height: fromInt64(it.height), round: it.round ?? 0, step };
}

function toLimits({ maxHeightJump, cutoverWindow }: Limits): wire.Limits.$Properties {
  return {
    maxHeightJump: toInt64('maxHeightJump', maxHeightJump),
    cutoverWindow: toInt64('cutoverWindow', cutoverWindow),
  };
}

function fromLimits(subject: Subject, it: Maybe<wire.Limits.$Properties>): Limits {
  if (!it) throw damaged(subject, 'no limits');
  return {
    maxHeightJump: fromInt64(it.maxHeightJump),
    cutoverWindow: fromInt64(it.cutoverWindow),
  };
}

function toInt64(field: string, value: bigint): Long {
  if (value < -MAX_INT64 - 1n || value > MAX_INT64) throw outOfRange(field, value);
  return Long.fromBigInt(value);
}

function fromInt64(value: Maybe<Long>): bigint {
  return value?.toBigInt() ?? 0n;
}

function fromOptionalInt64(value: Maybe<Long>): bigint | null {
  return value?.toBigInt() ?? null;
}

function toMillis(at: number): Long {
  if (!Number.isSafeInteger(at)) throw outOfRange('at', at);
  return Long.fromNumber(at);
}

function fromMillis(subject: Subject, at: Maybe<Long>): number {
  const millis = at?.toNumber() ?? 0;
  if (!Number.isSafeInteger(millis)) throw damaged(subject, `at ${millis}`);
  return millis;
}

/** Half a surrogate pair has no UTF-8: it would come back as another text, of another record. */
function toText(field: string, text: string): string {
  if (Buffer.from(text, 'utf8').toString('utf8') !== text) throw outOfRange(field, text);
  return text;
}

// ------------------------------------------------------------------------------------ errors

function decoded<T>(subject: Subject, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw damaged(subject, error instanceof Error ? error.message : String(error), error);
  }
}

function requireVersion(subject: Subject, found: number, known: number): void {
  if (found !== known) throw unknown(subject, `it is of version ${found}`);
}

function unknown(subject: Subject, detail: string): SignStateError {
  const known = subject === 'command' ? COMMAND_VERSION : SNAPSHOT_VERSION;
  return new SignStateError('SIGN_STATE_VERSION', { subject, known, detail });
}

function damaged(subject: Subject, detail: string, cause?: unknown): SignStateError {
  return new SignStateError('SIGN_STATE_DAMAGED', { subject, detail }, { cause });
}

function outOfRange(field: string, value: bigint | number | string): SignStateError {
  return new SignStateError('SIGN_STATE_OUT_OF_RANGE', { field, value: `${value}` });
}
