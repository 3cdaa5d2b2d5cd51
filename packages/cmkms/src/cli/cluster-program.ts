/**
 * `cmkms cluster ...`, as it is typed.
 *
 * Owns    the flags and the help of these commands.
 * Never   acts: each is a file of its own.
 * Proof   test/cli-program.test.ts.
 */
import type { Command } from 'commander';
import { certRenewCommand } from './cert-renew.js';
import { clusterHomeCommand } from './cluster-home.js';
import { clusterInitCommand } from './cluster-init.js';
import { addMember, removeMember, replaceMember, transferLeadership } from './cluster-members.js';
import { clusterStatusCommand } from './cluster-status.js';
import {
  addHome,
  addKeyFlags,
  collect,
  examples,
  json,
  type Run,
  type SettingKey,
} from './flags.js';

const shared: readonly SettingKey[] = [
  ...(['raft_addr', 'http_addr', 'peer', 'validator_addr', 'chain_id'] as const),
  ...(['log_level', 'log_format'] as const),
];

export function addCluster(program: Command, run: Run): void {
  const cluster = program.command('cluster').description('Members of a cluster, and their homes.');
  addInit(cluster, run);
  addHomeCommand(cluster, run);
  json(addHome(cluster.command('status')))
    .description('The members, how far each is, and what may be lost.')
    .action(run(clusterStatusCommand));
  addMembers(cluster, run);
  const cert = cluster.command('cert').description('Certificates of replicas.');
  json(
    cert
      .command('renew')
      .description('A new certificate for the same key pair: the identity stays.')
      .requiredOption('--ca <dir>', 'the authority (ca.crt and ca.key)')
      .requiredOption('--cert <file>', "a copy of the replica's tls/replica.crt")
      .requiredOption('--out <file>', 'where to write the new one; nothing may be there'),
  )
    .addHelpText(
      'after',
      examples('cmkms cluster cert renew --ca fleet/ca --cert kms-a.crt --out kms-a.new.crt'),
    )
    .action(run(certRenewCommand));
}

function addInit(cluster: Command, run: Run): void {
  const init = cluster
    .command('init')
    .description('Write one ready home per replica, and the authority (DIR/ca) apart from them.')
    .requiredOption('--out <dir>', 'a directory that does not exist yet')
    .option('--witness <id=host:port>', 'a replica that votes and holds no key (repeat)', collect);
  addKeyFlags(init, shared)
    .addHelpText(
      'after',
      examples(
        'cmkms cluster init --out fleet --chain-id cosmoshub-4 \\\n' +
          '    --peer kms-a=10.0.0.10:9430 --peer kms-b=10.0.0.11:9430 --peer kms-c=10.0.0.12:9430 \\\n' +
          '    --validator-addr tcp://10.0.1.20:26659',
      ),
    )
    .action(run(clusterInitCommand));
}

function addHomeCommand(cluster: Command, run: Run): void {
  const home = cluster
    .command('home')
    .description('Write the home of a replica that joins a cluster which exists.')
    .requiredOption('--ca <dir>', 'the authority (ca.crt and ca.key)')
    .requiredOption('--id <id>', 'its name')
    .requiredOption('--out <dir>', 'the home; in a directory that holds something, DIR/ID')
    .option('--witness', 'it votes and holds no key');
  json(addKeyFlags(home, shared))
    .addHelpText('after', examples('cmkms cluster home --ca fleet/ca --id kms-d --out fleet/kms-d'))
    .action(run(clusterHomeCommand));
}

function addMembers(cluster: Command, run: Run): void {
  const identity = '<the identity that cluster home printed>';
  newcomer(cluster.command('add'))
    .description('Admit a new replica as a learner; once it has caught up, it votes.')
    .argument('<id=host:port>', 'its name, and the address that the others dial')
    .addHelpText('after', examples(`cmkms cluster add kms-d=10.0.0.13:9430 --identity ${identity}`))
    .action(run.withArgument(addMember));
  newcomer(cluster.command('replace'))
    .description('In one step one goes, for good, and another comes as a learner; then as add.')
    .argument('<id>', 'who goes')
    .requiredOption('--with <id=host:port>', 'who comes; it may take over the name')
    .addHelpText(
      'after',
      examples(`cmkms cluster replace kms-c --with kms-d=10.0.0.13:9430 --identity ${identity}`),
    )
    .action(run.withArgument(replaceMember));
  json(addHome(cluster.command('remove')))
    .description('A replica goes, for good: its identity is never taken again.')
    .argument('<id>', 'who goes')
    .addHelpText('after', examples('cmkms cluster remove kms-d'))
    .action(run.withArgument(removeMember));
  json(addHome(cluster.command('transfer')))
    .description('Hand leadership to another replica.')
    .argument('[id]', 'to whom; otherwise to the one that is ahead')
    .addHelpText('after', examples('cmkms cluster transfer kms-b'))
    .action(run.withArgument(transferLeadership));
}

function newcomer(command: Command): Command {
  return json(addHome(command))
    .option('--identity <hex>', 'the identity that cluster home printed')
    .option('--cert <file>', 'or its certificate: tls/replica.crt of its home')
    .option('--witness', 'it votes and holds no key, as its home was made')
    .option('--no-promote', 'leave it a learner')
    .option('--timeout <duration>', 'how long to wait until it has caught up', '10m');
}
