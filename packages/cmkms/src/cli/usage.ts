/**
 * What commander refused, in the form of all other errors.
 *
 * Owns    that form, and which command's help is named.
 */
import type { Command, CommanderError } from 'commander';
import { CmkmsError } from '../errors.js';

/** Null: help was asked for and printed. */
export function usageError(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
): CmkmsError<'USAGE'> | null {
  if (error.code === 'commander.helpDisplayed') return null;
  const command = commandOf(program, argv);
  const problem =
    error.code === 'commander.help'
      ? `${command} needs a command`
      : error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return new CmkmsError('USAGE', { problem, command }, { cause: error });
}

/** The deepest command that was named, as far as the words go. */
function commandOf(program: Command, argv: readonly string[]): string {
  let [command, name] = [program, program.name()];
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) continue;
    command = next;
    name = `${name} ${next.name()}`;
  }
  return name;
}
