/**
 * `cmkms init`: a home with a config.toml to edit.
 *
 * Owns    what a new home holds.
 * Never   overwrites, and never makes a key: a key that nobody imported would be one that nobody staked on.
 */
import { checkReplicaName, parseHostPort, parsePeer, parseValidator } from '../config/addresses.js';
import { checkChainId } from '../config/chains.js';
import { atPlace } from '../config/file.js';
import { type Flags, resolveHome } from '../config/layers.js';
import { type ScaffoldValues, scaffold } from '../config/scaffold.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { homePaths, makeDirectory, writeNewFile } from '../home.js';
import type { Terminal } from './terminal.js';

/** @throws CmkmsError EXISTS, CONFIG */
export async function initCommand(flags: Flags, terminal: Terminal): Promise<ExitCode> {
  const home = resolveHome(flags.home, terminal.around);
  const values = scaffoldValues(flags);
  const paths = homePaths(home);
  await makeDirectory(paths.priv);
  await writeNewFile(paths.config, scaffold(values));
  const chain = flags.chainId ?? '<chain id>';
  const edit = flags.solo === true ? 'chain_id, validator_addr' : 'peer, chain_id, validator_addr';
  const next = [
    ...(flags.chainId === undefined ? [`edit ${paths.config}: ${edit}`] : []),
    `cmkms import filepv --from <node home> --home ${home} --chain-id ${chain}`,
    `cmkms check --home ${home}`,
    `cmkms start --home ${home}`,
  ];
  const several =
    '\nFor several replicas, cmkms cluster init writes all homes with certificates.\n';
  terminal.out(`wrote ${paths.config}\nnext:\n${next.map((line) => `  ${line}\n`).join('')}`);
  if (flags.solo !== true) terminal.out(several);
  return EXIT.OK;
}

/** What was said, judged before it is written. @throws CmkmsError CONFIG */
export function scaffoldValues(flags: Flags): ScaffoldValues {
  const each = (
    flag: string,
    values: readonly string[] | undefined,
    judge: (value: string) => unknown,
  ): void => {
    for (const value of values ?? []) atPlace(flag, flag.slice(2), () => judge(value));
  };
  const one = (value: string | undefined): readonly string[] =>
    value === undefined ? [] : [value];
  const listen = (value: string): unknown => value === '' || parseHostPort(value, 'listen');
  each('--id', one(flags.id), checkReplicaName);
  each('--raft-addr', one(flags.raftAddr), listen);
  each('--http-addr', one(flags.httpAddr), listen);
  each('--peer', flags.peer, parsePeer);
  each('--chain-id', one(flags.chainId), checkChainId);
  each('--validator-addr', flags.validatorAddr, parseValidator);
  const said = {
    id: flags.id,
    raft_addr: flags.raftAddr,
    http_addr: flags.httpAddr,
    peer: flags.peer,
    solo: flags.solo,
    log_level: flags.logLevel,
    log_format: flags.logFormat,
    chain_id: flags.chainId,
    validator_addr: flags.validatorAddr,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
