/**
 * Flags, printed from the schema.
 *
 * Owns    which flags a command takes from the configuration's keys, and how they collect.
 * Never   gives a flag a default: what was not said must stay unsaid, for the precedence.
 */
import { type Command, Option } from 'commander';
import { type KeySpec, topLevelKeys } from '../config/schema.js';
import type { ExitCode } from '../exit-codes.js';
import type { Terminal } from './terminal.js';

type TopKey = keyof typeof topLevelKeys;
export type SettingKey = TopKey;

type Action<F> = (flags: F, terminal: Terminal) => Promise<ExitCode>;
type ArgumentAction<A, F> = (argument: A, flags: F, terminal: Terminal) => Promise<ExitCode>;

/** Makes of a command's function what commander calls. */
export interface Run {
  <F>(action: Action<F>): (own: F, command: Command) => Promise<void>;
  /** Of a command that takes one argument. */
  withArgument<A, F>(
    action: ArgumentAction<A, F>,
  ): (argument: A, own: F, command: Command) => Promise<void>;
}

/** @param finished told the exit code of a command that ended without an error */
export function runner(
  program: Command,
  terminal: Terminal,
  finished: (code: ExitCode) => void,
): Run {
  // `cmkms --home X start` and `cmkms start --home X` mean the same.
  const all = <F>(own: F, command: Command): F => ({
    ...program.opts<{ home?: string }>(),
    ...own,
    ...command.opts(),
  });
  const run =
    <F>(action: Action<F>) =>
    async (own: F, command: Command): Promise<void> =>
      finished(await action(all(own, command), terminal));
  const withArgument =
    <A, F>(action: ArgumentAction<A, F>) =>
    async (argument: A, own: F, command: Command): Promise<void> =>
      finished(await action(argument, all(own, command), terminal));
  return Object.assign(run, { withArgument });
}

/** Adds the flags of these keys, in this order. */
export function addKeyFlags(command: Command, keys: readonly TopKey[]): Command {
  for (const key of keys) {
    const spec: KeySpec = topLevelKeys[key];
    if (spec.flag === undefined) continue;
    const value = spec.value === undefined ? '' : ` <${spec.value}>`;
    const repeats = spec.kind === 'texts' || spec.kind === 'textOrTexts';
    const first = spec.doc
      .join(' ')
      .split(/[.:;] /)[0]
      ?.replace(/\.$/, '');
    const option = new Option(`${spec.flag}${value}`, `${first}${repeats ? ' (repeat)' : ''}`);
    if (repeats) option.argParser(collect);
    command.addOption(option);
  }
  return command;
}

export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export function addHome(command: Command): Command {
  return command.option('--home <dir>', 'home of the replica (COMETKMS_HOME, default ~/.cmkms)');
}

export function json(command: Command): Command {
  return command.option('--json', 'print JSON');
}

export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
