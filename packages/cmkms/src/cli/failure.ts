/**
 * What a command ended with, as a code, a message, a remedy and an exit code.
 *
 * Owns    the one way from any error of any room to the two lines on stderr.
 * Never   prints a stack for what the world or an operator did; always prints it for what we did.
 */
import { AdminRefusal } from '../admin/index.js';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode, exitCodeOfForeign } from '../exit-codes.js';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exitCode: ExitCode;
}

export function failureOf(error: unknown): Failure {
  // A log that failed while running says more than the full disk that it failed on.
  const lost = isOfAnotherRoom(error) && exitCodeOfForeign(error.code) === EXIT.LOG_LOST;
  const known = (lost ? null : fromSystem(error)) ?? error;
  if (known instanceof CmkmsError) return pick(known, known.exitCode);
  if (known instanceof AdminRefusal) return pick(known, exitCode(known.exitCode));
  if (isOfAnotherRoom(known)) return pick(known, exitCodeOfForeign(known.code));
  const message = known instanceof Error ? (known.stack ?? known.message) : String(known);
  const remedy = 'this is a defect of cmkms: report it with the lines above.';
  return { code: 'UNEXPECTED', message, remedy, exitCode: EXIT.UNEXPECTED };
}

interface Coded {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

function pick({ code, message, remedy }: Coded, exit: ExitCode): Failure {
  return { code, message, remedy, exitCode: exit };
}

/** ConsensusError, SignerError, SignStateError and PrivvalError share this shape. */
function isOfAnotherRoom(error: unknown): error is Error & Coded {
  if (!(error instanceof Error)) return false;
  const { code, remedy } = error as Partial<Coded>;
  return typeof code === 'string' && typeof remedy === 'string';
}

function exitCode(code: number): ExitCode {
  return Object.values(EXIT).find((known) => known === code) ?? EXIT.UNEXPECTED;
}

/** The kernel's answers that an operator can do something about, also as the cause of another error. */
function fromSystem(error: unknown): CmkmsError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof CmkmsError) return null;
    switch ((cause as NodeJS.ErrnoException).code) {
      case 'ENOSPC':
      case 'EDQUOT':
        return new CmkmsError('DISK_FULL', { detail: cause.message }, { cause: error });
      case 'EIO':
        // What another room says of it names the file, which the kernel does not.
        if (isOfAnotherRoom(error)) return null;
        return new CmkmsError('DISK_FAILED', { detail: cause.message }, { cause: error });
      case 'EACCES':
      case 'EPERM':
      case 'EROFS':
        return new CmkmsError('PERMISSION', { detail: cause.message }, { cause: error });
    }
  }
  return null;
}
