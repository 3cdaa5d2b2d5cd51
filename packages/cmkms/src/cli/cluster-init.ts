/**
 * `cmkms cluster init`: one ready home per replica, and the authority apart from them.
 *
 * Owns    that all homes share one genesis and one config.toml, and that they appear all or not at all.
 * Never   writes data/ or priv/replica.json: those say that a replica joined, which only it can know.
 *         Never puts the authority's key into a home.
 * Rule    docs/architecture.md, consensus 8: founded once, an identity used once.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import {
  createAuthority,
  issueReplicaCertificate,
  type KeyedCertificate,
} from '@cometkms/consensus';
import { formatHostPort, type PeerAddress, parsePeer } from '../config/addresses.js';
import { refuseClashes } from '../config/clashes.js';
import type { Flags } from '../config/layers.js';
import { evenSize } from '../config/load.js';
import { scaffold } from '../config/scaffold.js';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import {
  DIRECTORY_MODE,
  homePaths,
  isEmpty,
  makeDirectory,
  syncDirectory,
  writeNewFile,
} from '../home.js';
import { type GenesisFile, writeGenesisFile } from '../home-records.js';
import { scaffoldValues } from './init.js';
import { printWarnings, type Terminal } from './terminal.js';

const AUTHORITY = 'ca';

/** @throws CmkmsError EXISTS, CONFIG, ADDR_CLASH */
export async function clusterInitCommand(
  flags: Flags & { readonly out: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const out = resolve(terminal.around.workingDirectory, flags.out);
  const peers = judgePeers(flags);
  const config = scaffold(scaffoldValues(flags));
  if (!(await isEmpty(out))) throw new CmkmsError('EXISTS', { path: out });
  const clusterId = `c-${randomBytes(8).toString('hex')}`;
  await makeDirectory(dirname(out));
  // Built beside its place and renamed as a whole: half a fleet would be two clusters some day.
  const building = await mkdtemp(join(dirname(out), `.${basename(out)}.`));
  let genesis: GenesisFile;
  try {
    genesis = await writeFleet(building, clusterId, peers, config);
    await rename(building, out);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dirname(out));
  const size = evenSize(peers.length);
  if (size !== null) printWarnings(terminal, [{ code: 'NO_FAULT_TOLERANCE', text: size }]);
  terminal.out(report(out, genesis, flags));
  return EXIT.OK;
}

function judgePeers(flags: Flags): readonly PeerAddress[] {
  scaffoldValues(flags);
  const peers = (flags.peer ?? []).map(parsePeer).sort((a, b) => (a.name < b.name ? -1 : 1));
  refuseClashes({ raftAddress: null, httpAddress: null, peers, chains: [] }, new Set());
  if (peers.length < 2) {
    throw new CmkmsError('CONFIG', {
      where: '--peer',
      problem: `a cluster has at least two replicas, ${peers.length} named.`,
      remedy: 'name each with --peer id=host:port; for one replica alone: cmkms init --solo.',
    });
  }
  if (peers.some((peer) => peer.name === AUTHORITY)) {
    throw new CmkmsError('CONFIG', {
      where: '--peer',
      problem: `a replica cannot be called ${AUTHORITY}: that directory is the authority's.`,
      remedy: 'choose another id.',
    });
  }
  return peers;
}

async function writeFleet(
  directory: string,
  clusterId: string,
  peers: readonly PeerAddress[],
  config: string,
): Promise<GenesisFile> {
  const authority = await createAuthority(clusterId);
  const ca = join(directory, AUTHORITY);
  await mkdir(ca, { mode: DIRECTORY_MODE });
  await writeNewFile(join(ca, 'ca.crt'), authority.certificatePem);
  await writeNewFile(join(ca, 'ca.key'), authority.privateKeyPem);
  const issued = new Map<string, KeyedCertificate & { readonly identity: string }>();
  for (const { name } of peers) {
    issued.set(name, await issueReplicaCertificate(authority, { clusterId, replicaName: name }));
  }
  const genesis: GenesisFile = {
    clusterId,
    members: peers.map((peer) => ({
      name: peer.name,
      identity: issued.get(peer.name)?.identity ?? '',
      address: formatHostPort(peer),
      witness: false,
    })),
  };
  for (const [name, certificate] of issued) {
    const home = join(directory, name);
    const paths = homePaths(home);
    const tls = join(home, 'tls');
    await makeDirectory(paths.priv);
    await makeDirectory(tls);
    await writeNewFile(paths.config, config);
    await writeGenesisFile(paths.genesis, genesis);
    await writeNewFile(join(tls, 'ca.crt'), authority.certificatePem);
    await writeNewFile(join(tls, 'replica.crt'), certificate.certificatePem);
    await writeNewFile(join(tls, 'replica.key'), certificate.privateKeyPem);
  }
  return genesis;
}

function report(out: string, genesis: GenesisFile, flags: Flags): string {
  const homes = genesis.members.map((member) => join(out, member.name));
  const targets = homes.map((home) => `--home ${home}`).join(' ');
  const chain = flags.chainId ?? '<chain id>';
  const sameHost = new Set(genesis.members.map((member) => member.address.replace(/:\d+$/, '')));
  const lines = [
    `cluster ${genesis.clusterId}`,
    ...genesis.members.map(
      (member) => `  ${member.name}  ${member.address}  ${join(out, member.name)}`,
    ),
    `  authority  ${join(out, AUTHORITY)}  (keep it offline; never on a replica)`,
    'next:',
    ...(flags.chainId === undefined
      ? ['  edit chain_id and validator_addr in each config.toml: they must stay equal']
      : []),
    `  cmkms import filepv --from <node home> --chain-id ${chain} ${targets}`,
    '  copy each home, whole, to its machine; its directories stay 0700, its files 0600',
    '  there: cmkms check --home <home>, then cmkms start --home <home>; in any order',
  ];
  if (sameHost.size < genesis.members.length) {
    lines.push(
      '  replicas that share a machine need different ports for HTTP: start with --http-addr',
    );
  }
  return `${lines.join('\n')}\n`;
}
