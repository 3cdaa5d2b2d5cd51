/**
 * The commands, their flags and their help.
 *
 * Owns    what can be typed. Actions are in the files of the commands.
 * Never   lets commander print or exit: errors have one form (failure.ts), exit codes one place.
 * Proof   test/cli-program.test.ts
 */
import { Command } from 'commander';
import { type KeySpec, topLevelKeys } from '../config/schema.js';
import { EXIT, type ExitCode, exitMeanings } from '../exit-codes.js';
import { checkCommand } from './check.js';
import { addCluster } from './cluster-program.js';
import { addHome, addKeyFlags, collect, examples, json, type Run, runner } from './flags.js';
import { importFilePvCommand } from './import.js';
import { initCommand } from './init.js';
import { clearHalt, raiseFloor, retireChain, setHalt, showHalt, status } from './running.js';
import { startCommand } from './start.js';
import type { Terminal } from './terminal.js';
import { rulesText, version } from './version.js';

const settingKeys = [
  'id',
  'raft_addr',
  'http_addr',
  'peer',
  'validator_addr',
  'chain_id',
  'log_level',
  'log_format',
  'solo',
] as const;

/** @param finished told the exit code of a command that ended without an error */
export function buildProgram(terminal: Terminal, finished: (code: ExitCode) => void): Command {
  const program = new Command('cmkms')
    .description("Keeps one validator's consensus key online on several replicas.")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: () => undefined })
    .showSuggestionAfterError(true)
    .addHelpText('after', programHelp());
  addHome(program);
  const run = runner(program, terminal, finished);
  addSetUp(program, run);
  addStart(program, run);
  addCheck(program, run);
  addStatus(program, run);
  addRunning(program, run);
  json(
    program.command('version').description('Version of cmkms, of Node, and of the rules it knows.'),
  ).action(
    run(async (flags: { json?: boolean }) => {
      const said = version();
      const rules = rulesText(said.rules);
      const text = `cmkms ${said.version} (node ${said.node}, ${said.platform}, rules ${rules})`;
      terminal.out(flags.json === true ? `${JSON.stringify(said)}\n` : `${text}\n`);
      return EXIT.OK;
    }),
  );
  return program;
}

function addSetUp(program: Command, run: Run): void {
  const init = program.command('init').description('Write a home with a config.toml to edit.');
  addKeyFlags(addHome(init), settingKeys)
    .addHelpText(
      'after',
      examples('cmkms init --solo --chain-id test-1 --validator-addr tcp://127.0.0.1:26659'),
    )
    .action(run(initCommand));

  addCluster(program, run);
  const imports = program.command('import').description('Take key and state over from a signer.');
  json(
    imports
      .command('filepv')
      .description(
        "From a stopped CometBFT node: copies key and state into each home, then sets the node's own aside.",
      )
      .requiredOption('--from <dir>', 'home of the node (with config/ and data/)')
      .requiredOption('--home <dir>', 'home to import into (repeat)', collect)
      .requiredOption('--chain-id <chain>', 'the chain that the key signs for'),
  )
    .addHelpText(
      'after',
      examples(
        'cmkms import filepv --from ~/.gaia --chain-id cosmoshub-4 \\\n' +
          '    --home fleet/kms-a --home fleet/kms-b --home fleet/kms-c',
      ),
    )
    .action(run(importFilePvCommand));
}

/** What `start` takes, `check` takes too: it says what `start` would. */
function addStartFlags(command: Command): Command {
  return addKeyFlags(addHome(command), settingKeys)
    .option('--insecure-raft', 'no certificates between replicas; on loopback only')
    .option(
      '--allow-fresh-state <chain>',
      'state that the key of this chain never signed anywhere (repeat); wrong use ends in a slashed, banned key',
      collect,
    )
    .option('--default-ttl <duration>', 'of the Go program; ignored with a warning');
}

function addStart(program: Command, run: Run): void {
  const start = program.command('start').description('Run a replica until it is told to stop.');
  addStartFlags(start)
    .addHelpText(
      'after',
      examples(
        'cmkms start --home /var/lib/cmkms',
        'cmkms start --home h --id a --raft-addr 127.0.0.1:9430 --http-addr 127.0.0.1:8081 \\\n' +
          '    --peer a=127.0.0.1:9430 --peer b=127.0.0.1:9431 --insecure-raft \\\n' +
          '    --chain-id test-1 --validator-addr tcp://127.0.0.1:26659',
      ),
    )
    .action(run(startCommand));
}

function addCheck(program: Command, run: Run): void {
  const check = program
    .command('check')
    .description('Say all that start would refuse for, without starting. Exit code as of start.');
  json(addStartFlags(check))
    .addHelpText('after', examples('cmkms check --home /var/lib/cmkms'))
    .action(run(checkCommand));
}

function addStatus(program: Command, run: Run): void {
  const command = program
    .command('status')
    .description('What a running replica says of itself. Exit code 0 if it is ready, else 1.');
  json(addKeyFlags(addHome(command), ['http_addr'])).action(run(status));
}

function addRunning(program: Command, run: Run): void {
  const floor = program
    .command('floor')
    .description('The height up to which nothing new is signed.');
  oneChain(floor.command('raise'))
    .description(
      'Raise it, never lower it: at or below --height nothing new is signed. Ends the cut-over guard.',
    )
    .requiredOption('--height <n>', 'the height')
    .addHelpText('after', examples('cmkms floor raise --chain-id cosmoshub-4 --height 21345678'))
    .action(run(raiseFloor));

  const halt = program.command('halt').description('The height from which nothing is signed.');
  oneChain(halt.command('set'))
    .description('From --height on nothing is signed, by the whole cluster.')
    .requiredOption('--height <n>', 'the first height that is not signed')
    .addHelpText('after', examples('cmkms halt set --chain-id cosmoshub-4 --height 21400000'))
    .action(run(setHalt));
  oneChain(halt.command('clear')).description('Remove the halt height.').action(run(clearHalt));
  json(addHome(halt.command('show')))
    .description('Halt heights of all chains.')
    .action(run(showHalt));

  const chain = program.command('chain').description('Chains of this cluster.');
  oneChain(chain.command('retire'))
    .description(
      'For ever: this cluster never signs for the chain again. Writes the state file for a plain validator.',
    )
    .addHelpText('after', examples('cmkms chain retire --chain-id cosmoshub-4'))
    .action(run(retireChain));
}

function oneChain(command: Command): Command {
  return json(addHome(command))
    .requiredOption('--chain-id <chain>', 'the chain')
    .option('--key <address>', 'address of its key, where the chain has several');
}

function programHelp(): string {
  const variables = Object.values<KeySpec>(topLevelKeys).flatMap((spec) =>
    spec.env === undefined || spec.flag === undefined ? [] : [`  ${spec.env} is ${spec.flag}`],
  );
  return [
    '',
    'To begin with three replicas: cluster init, import filepv, check, start.',
    '',
    'Environment (flag > variable > config.toml > default; lists are comma separated):',
    '  COMETKMS_HOME is --home',
    ...variables,
    '',
    'Exit codes:',
    ...exitMeanings.map(([code, meaning]) => `  ${code}  ${meaning}`),
    '',
  ].join('\n');
}
