/**
 * `cmkms cluster init`: one ready home per replica, and the authority apart from them.
 *
 * Owns    that all homes share one genesis and one config.toml (a witness has no chain in its own), and that they
 *         appear all or not at all.
 * Rule    docs/architecture.md, consensus 8: founded once, an identity used once.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { formatHostPort, type PeerAddress, parsePeer } from '../config/addresses.js';
import { refuseClashes } from '../config/clashes.js';
import { atPlace } from '../config/file.js';
import type { Flags } from '../config/layers.js';
import { evenSize } from '../config/load.js';
import type { ScaffoldValues } from '../config/scaffold.js';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { DIRECTORY_MODE, isEmpty, makeDirectory, syncDirectory, writeNewFile } from '../home.js';
import type { GenesisFile } from '../home-records.js';
import { scaffoldValues } from './init.js';
import { withoutChain, writeHome } from './new-home.js';
import { printWarnings, type Terminal } from './terminal.js';

const AUTHORITY = 'ca';

export interface ClusterInitFlags extends Flags {
  readonly out: string;
  /** Members that hold no key, as `--peer` names the others. */
  readonly witness?: readonly string[];
}

type Seat = PeerAddress & { readonly witness: boolean };

/** @throws CmkmsError EXISTS, CONFIG, ADDR_CLASH */
export async function clusterInitCommand(
  flags: ClusterInitFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const out = resolve(terminal.around.workingDirectory, flags.out);
  const seats = judgeSeats(flags);
  const peer = [...(flags.peer ?? []), ...(flags.witness ?? [])];
  const config = scaffoldValues({ ...flags, peer });
  if (!(await isEmpty(out))) throw new CmkmsError('EXISTS', { path: out });
  const clusterId = `c-${randomBytes(8).toString('hex')}`;
  await makeDirectory(dirname(out));
  // Built beside its place and renamed as a whole: half a fleet would be two clusters some day.
  const building = await mkdtemp(join(dirname(out), `.${basename(out)}.`));
  let genesis: GenesisFile;
  try {
    genesis = await writeFleet(building, clusterId, seats, config);
    await rename(building, out);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dirname(out));
  const size = evenSize(seats.length) ?? fewHolders(seats);
  if (size !== null) printWarnings(terminal, [{ code: 'NO_FAULT_TOLERANCE', text: size }]);
  terminal.out(report(out, genesis, flags));
  return EXIT.OK;
}

function judgeSeats(flags: ClusterInitFlags): readonly Seat[] {
  scaffoldValues(flags);
  const seated = (addresses: readonly string[] | undefined, witness: boolean): readonly Seat[] =>
    (addresses ?? []).map((text) => ({ ...parsePeer(text), witness }));
  const witnesses = atPlace('--witness', 'witness', () => seated(flags.witness, true));
  const holders = seated(flags.peer, false);
  const peers = [...holders, ...witnesses].sort((a, b) => (a.name < b.name ? -1 : 1));
  refuseClashes({ raftAddress: null, httpAddress: null, peers, chains: [] }, new Set());
  if (peers.length < 2) {
    throw new CmkmsError('CONFIG', {
      where: '--peer',
      problem: `a cluster has at least two replicas, ${peers.length} named.`,
      remedy: 'name each with --peer id=host:port; for one replica alone: cmkms init --solo.',
    });
  }
  if (holders.length === 0) {
    throw new CmkmsError('CONFIG', {
      where: '--witness',
      problem: 'witnesses alone hold no key, so nothing could ever be signed.',
      remedy: 'name the replicas that hold it with --peer id=host:port.',
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

/** Null: the loss of any one is borne. */
function fewHolders(seats: readonly Seat[]): string | null {
  if (seats.filter(({ witness }) => !witness).length > 1) return null;
  return 'one replica alone holds the key: if it stops, signing stops. Two and a witness bear the loss of one.';
}

async function writeFleet(
  directory: string,
  clusterId: string,
  seats: readonly Seat[],
  config: ScaffoldValues,
): Promise<GenesisFile> {
  const { createAuthority, issueReplicaCertificate } = await import(
    '@cometkms/consensus/authority'
  );
  const authority = await createAuthority(clusterId);
  const ca = join(directory, AUTHORITY);
  await mkdir(ca, { mode: DIRECTORY_MODE });
  await writeNewFile(join(ca, 'ca.crt'), authority.certificatePem);
  await writeNewFile(join(ca, 'ca.key'), authority.privateKeyPem);
  const issue = async (seat: Seat) => ({
    seat,
    certificate: await issueReplicaCertificate(authority, { clusterId, replicaName: seat.name }),
  });
  const issued = await Promise.all(seats.map(issue));
  const genesis: GenesisFile = {
    clusterId,
    members: issued.map(({ seat, certificate }) => ({
      name: seat.name,
      identity: certificate.identity,
      address: formatHostPort(seat),
      witness: seat.witness,
    })),
  };
  for (const { seat, certificate } of issued) {
    await writeHome(join(directory, seat.name), {
      ...{ config: seat.witness ? withoutChain(config) : config, certificate },
      authorityPem: authority.certificatePem,
      record: { kind: 'genesis', genesis },
    });
  }
  return genesis;
}

function report(out: string, genesis: GenesisFile, flags: Flags): string {
  const holders = genesis.members.filter((member) => !member.witness);
  const homes = holders.map((member) => join(out, member.name));
  const targets = homes.map((home) => `--home ${home}`).join(' ');
  const chain = flags.chainId ?? '<chain id>';
  const sameHost = new Set(genesis.members.map((member) => member.address.replace(/:\d+$/, '')));
  const lines = [
    `cluster ${genesis.clusterId}`,
    ...genesis.members.map(
      (member) =>
        `  ${member.name}  ${member.address}  ${join(out, member.name)}${member.witness ? '  (witness: no key goes there)' : ''}`,
    ),
    `  authority  ${join(out, AUTHORITY)}  (keep it offline; never on a replica)`,
    'next:',
    ...(flags.chainId === undefined
      ? [
          '  edit chain_id and validator_addr in the config.toml of each that signs: they must stay equal',
        ]
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
