/**
 * What was typed, run to its end.
 *
 * Owns    the one place where an error becomes text and an exit code.
 * Never   touches the process: main.ts does, tests pass a terminal of their own.
 */
import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { failureOf } from './failure.js';
import { buildProgram } from './program.js';
import { printError, type Terminal } from './terminal.js';
import { usageError } from './usage.js';

export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.OK;
  const program = buildProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    const error = thrown instanceof CommanderError ? usageError(thrown, program, argv) : thrown;
    if (error === null) return EXIT.OK;
    const failure = failureOf(error);
    printError(terminal, failure);
    return failure.exitCode;
  }
}
