/**
 * What a committed command makes of one record.
 *
 * Owns    registration, floors, limits, halt heights and retirement; a reservation is `decide`'s.
 * Never   throws for what a command says: every replica must come to the same answer and go on. Never
 *         changes a record in place, and never lowers what it protects: a rejected command changes nothing.
 * Rule    docs/architecture.md, leaving and entering, and "a chain is registered once".
 * Proof   test/apply.test.ts, test/history.property.test.ts.
 */
import { unreachable } from '@cometkms/invariant';
import { readSignBytesOf } from './canonical.js';
import { decide, highestPosition } from './decide.js';
import { SignStateError } from './errors.js';
import { comparePosition, describePosition, isHrs, MAX_INT64 } from './hrs.js';
import { copyId } from './identity.js';
import type {
  Answer,
  Command,
  Limits,
  RaiseFloor,
  RegisterChain,
  Reservation,
  Reserve,
  SigningRecord,
} from './types.js';
import { copyBytes } from './wire.js';

export interface Applied {
  /** What stands afterwards; the very same object where nothing changed. */
  readonly record: SigningRecord | undefined;
  readonly answer: Answer;
}

type Rejected = Extract<Answer, { kind: 'rejected' }>;

/** @param record  of `command.id`; undefined: none is registered */
export function applyCommand(record: SigningRecord | undefined, command: Command): Applied {
  if (command.kind === 'reserve') return reserve(record, command);
  const fault = faultOf(command);
  if (fault !== null) return reject(record, 'malformed', fault);
  if (command.kind === 'registerChain') return register(record, command);
  if (record === undefined) return reject(record, 'unregistered', 'the chain was never registered');
  if (command.kind === 'retire') {
    return record.retired ? keep(record) : change({ ...record, retired: true });
  }
  if (record.retired) return reject(record, 'retired', 'the chain was retired, for ever');
  switch (command.kind) {
    case 'raiseFloor':
      return raiseFloor(record, command);
    case 'setLimits':
      return sameLimits(record.limits, command.limits)
        ? keep(record)
        : change({ ...record, limits: copyLimits(command.limits) });
    case 'setHaltHeight':
      return record.haltHeight === command.height
        ? keep(record)
        : change({ ...record, haltHeight: command.height });
    default:
      return unreachable(command);
  }
}

function reserve(record: SigningRecord | undefined, command: Reserve): Applied {
  const verdict = decide(record, command);
  const answer: Answer = { kind: 'verdict', verdict };
  if (record === undefined || verdict.kind !== 'granted') return { record, answer };
  // A grant shows that the key goes on from here, so the guard of the cut-over has done its work.
  return { record: { ...record, last: verdict.stored, cutoverArmed: false }, answer };
}

/** Once, for ever: a second registration, even the same one, would forget all that was signed since. */
function register(record: SigningRecord | undefined, command: RegisterChain): Applied {
  if (record !== undefined) {
    const at = highestPosition(record);
    const where = at === null ? 'before any signature' : `at ${describePosition(at)}`;
    return reject(record, 'alreadyRegistered', `the chain is registered, and stands ${where}`);
  }
  const { start } = command;
  const imported = start.kind === 'imported';
  return change({
    id: copyId(command.id),
    last: imported ? importedReservation(command, start.position, start.signBytes) : null,
    // With bytes the floor stays below the import, so that the same content may repeat.
    floor: imported && start.signBytes === null ? { ...start.position } : null,
    haltHeight: null,
    limits: copyLimits(command.limits),
    cutoverArmed: imported,
    neverSigned: start.kind === 'neverSigned',
    retired: false,
  });
}

function importedReservation(
  { by, at }: RegisterChain,
  position: Reservation['hrs'],
  signBytes: Uint8Array | null,
): Reservation | null {
  return signBytes === null
    ? null
    : { hrs: { ...position }, signBytes: copyBytes(signBytes), by, at };
}

function raiseFloor(record: SigningRecord, { floor, endsCutover }: RaiseFloor): Applied {
  if (record.floor !== null && comparePosition(floor, record.floor) <= 0) return keep(record);
  const highest = highestPosition(record);
  // Only a floor that covers the import says what became of the old signer since, and only if an operator
  // says it: a state file ahead of the cluster is a sign that the old signer ran on.
  const covers = highest === null || comparePosition(floor, highest) >= 0;
  return change({
    ...record,
    floor: { ...floor },
    cutoverArmed: record.cutoverArmed && !(endsCutover && covers),
  });
}

// -------------------------------------------------------------------- what a command may say

function faultOf(command: Exclude<Command, Reserve>): string | null {
  switch (command.kind) {
    case 'registerChain':
      return faultOfRegistration(command);
    case 'raiseFloor':
      return isHrs(command.floor) ? null : `no floor: ${describePosition(command.floor)}`;
    case 'setLimits':
      return faultOfLimits(command.limits);
    case 'setHaltHeight':
      return command.height === null || isInt64AboveZero(command.height)
        ? null
        : `no halt height: ${command.height}`;
    case 'retire':
      return null;
    default:
      return unreachable(command);
  }
}

function faultOfRegistration({ id, start, limits }: RegisterChain): string | null {
  if (id.chainId === '') return 'no chain id';
  if (id.key.type === '' || id.key.bytes.length === 0) return 'no key';
  const fault = faultOfLimits(limits);
  if (fault !== null || start.kind === 'neverSigned') return fault;
  if (!isHrs(start.position)) return `no position: ${describePosition(start.position)}`;
  if (start.signBytes === null) return null;
  try {
    readSignBytesOf(start.signBytes, id.chainId, start.position);
    return null;
  } catch (error) {
    if (!(error instanceof SignStateError)) throw error;
    return error.message;
  }
}

function faultOfLimits({ maxHeightJump, cutoverWindow }: Limits): string | null {
  if (!isInt64AboveZero(maxHeightJump)) return `maxHeightJump is ${maxHeightJump}, not above 0`;
  if (!isInt64AboveZero(cutoverWindow)) return `cutoverWindow is ${cutoverWindow}, not above 0`;
  return null;
}

function isInt64AboveZero(value: bigint): boolean {
  return value > 0n && value <= MAX_INT64;
}

// ----------------------------------------------------------------------------------- answers

function change(record: SigningRecord): Applied {
  return { record, answer: { kind: 'done', changed: true, record } };
}

function keep(record: SigningRecord): Applied {
  return { record, answer: { kind: 'done', changed: false, record } };
}

function reject(
  record: SigningRecord | undefined,
  reason: Rejected['reason'],
  detail: string,
): Applied {
  return { record, answer: { kind: 'rejected', reason, detail, record: record ?? null } };
}

function sameLimits(a: Limits, b: Limits): boolean {
  return a.maxHeightJump === b.maxHeightJump && a.cutoverWindow === b.cutoverWindow;
}

function copyLimits({ maxHeightJump, cutoverWindow }: Limits): Limits {
  return { maxHeightJump, cutoverWindow };
}
