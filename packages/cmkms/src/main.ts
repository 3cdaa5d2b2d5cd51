/**
 * The program: what was typed, run to its end, and the exit code.
 *
 * Owns    the exit code of the process, and the one place where an error becomes text.
 * Never   prints a usage text for an error.
 */
import { CommanderError } from 'commander';
import { failureOf } from './cli/failure.js';
import { buildProgram } from './cli/program.js';
import { printError, processTerminal, type Terminal } from './cli/terminal.js';
import { usageError } from './cli/usage.js';
import { EXIT, type ExitCode } from './exit-codes.js';

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
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

process.exitCode = await run(process.argv.slice(2), processTerminal());
