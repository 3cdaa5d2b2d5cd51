/**
 * docs/cli.md: what each command's --help prints.
 *
 * Owns    the order, and a fixed width, so that the page does not depend on who prints it.
 * Never   runs a command.
 */
import { type Page, page } from './markdown.js';
import { type Command, programNowhere } from './program-nowhere.js';

const WIDTH = 100;

export function cliPage(): Page {
  let printed = '';
  const program = programNowhere((text) => {
    printed += text;
  });
  const help = (command: Command): string => {
    printed = '';
    command.configureOutput({ getOutHelpWidth: () => WIDTH, getOutHasColors: () => false });
    command.outputHelp();
    return printed.replace(/[ \t]+$/gm, '').trim();
  };
  const sections = leaves(program, []).flatMap(([command, words]) => [
    `## ${words.join(' ')}`,
    `\`\`\`text\n${help(command)}\n\`\`\``,
  ]);
  return page({
    name: 'cli',
    title: 'Commands',
    from: ['packages/cmkms/src/cli/program.ts'],
    body: [
      'Every command prints its help with `--help`. Those that ask a running replica (`status`, ' +
        '`floor`, `halt`, `chain`) must run on its machine, as its user: all but `status` go over ' +
        '`<home>/data/admin.sock`, and only the leader changes anything.',
      ...sections,
    ],
  });
}

/** The program, then every command that does something. */
function leaves(command: Command, above: readonly string[]): readonly [Command, string[]][] {
  const words = [...above, command.name()];
  const below = command.commands.flatMap((child) => leaves(child, words));
  return above.length > 0 && below.length > 0 ? below : [[command, words], ...below];
}
