/**
 * Flags, printed from the schema.
 *
 * Owns    which flags a command takes from the configuration's keys, and how they collect.
 * Never   gives a flag a default: what was not said must stay unsaid, for the precedence.
 */
import { type Command, Option } from 'commander';
import { type KeySpec, topLevelKeys } from '../config/schema.js';

type TopKey = keyof typeof topLevelKeys;

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
