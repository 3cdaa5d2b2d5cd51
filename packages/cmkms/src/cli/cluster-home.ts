/**
 * `cmkms cluster home`: the home of a replica that joins a cluster which exists.
 *
 * Owns    its certificate and identity, and what is printed for the operator to type next.
 * Never   admits it: the leader does, asked by `cluster add` or `cluster replace`.
 * Rule    docs/architecture.md, consensus 8: an identity is used once, so a lost home is never made again.
 * Proof   test/cli-cluster-home.test.ts.
 */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkReplicaName, formatHostPort, parsePeer } from '../config/addresses.js';
import { atPlace } from '../config/file.js';
import type { Flags } from '../config/layers.js';
import { CmkmsError } from '../errors.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isEmpty, makeDirectory, syncDirectory } from '../home.js';
import { readAuthority } from './authority.js';
import { scaffoldValues } from './init.js';
import { withoutChain, writeHome } from './new-home.js';
import type { Terminal } from './terminal.js';

export interface ClusterHomeFlags extends Flags {
  readonly ca: string;
  readonly id: string;
  readonly out: string;
  readonly witness?: boolean;
  readonly json?: boolean;
}

/** @throws CmkmsError AUTHORITY, CONFIG, EXISTS */
export async function clusterHomeCommand(
  flags: ClusterHomeFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  const witness = flags.witness === true;
  const { id, ...others } = flags;
  atPlace('--id', 'id', () => checkReplicaName(id));
  if (witness && (flags.chainId !== undefined || flags.validatorAddr !== undefined)) {
    throw new CmkmsError('CONFIG', {
      where: '--witness',
      problem: 'a witness signs for no chain.',
      remedy: 'leave --chain-id and --validator-addr out.',
    });
  }
  const values = scaffoldValues(others);
  const around = terminal.around.workingDirectory;
  const authority = await readAuthority(resolve(around, flags.ca));
  const home = await placeFor(resolve(around, flags.out), id);
  const { clusterId } = authority;
  const { issueReplicaCertificate } = await import('@cometkms/consensus/authority');
  const certificate = await issueReplicaCertificate(authority, { clusterId, replicaName: id });
  const { identity } = certificate;
  await appear(home, (building) =>
    writeHome(building, {
      ...{ config: witness ? withoutChain(values) : values, certificate },
      authorityPem: authority.certificatePem,
      record: { kind: 'join', join: { clusterId, name: id, identity, witness } },
    }),
  );
  const made = { cluster_id: clusterId, id, identity, witness, home };
  if (flags.json === true) terminal.out(`${JSON.stringify(made, null, 2)}\n`);
  else terminal.out(report(made, flags));
  return EXIT.OK;
}

/** The directory itself; in one that holds something, such as the other homes, a new one with the id. */
async function placeFor(out: string, id: string): Promise<string> {
  if (await isEmpty(out)) return out;
  const inside = join(out, id);
  if (await isEmpty(inside)) return inside;
  throw new CmkmsError('EXISTS', { path: inside });
}

/** Built beside its place and renamed as a whole: half a home would be one more to wonder about. */
async function appear(home: string, write: (building: string) => Promise<void>): Promise<void> {
  await makeDirectory(dirname(home));
  const building = await mkdtemp(join(dirname(home), `.${basename(home)}.`));
  try {
    await write(building);
    await rename(building, home);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dirname(home));
}

function report(
  made: {
    readonly cluster_id: string;
    readonly id: string;
    readonly identity: string;
    readonly witness: boolean;
    readonly home: string;
  },
  flags: ClusterHomeFlags,
): string {
  const { id, identity, witness, home } = made;
  const own = (flags.peer ?? []).map(parsePeer).find((peer) => peer.name === id);
  const address = own === undefined ? '<host:port>' : formatHostPort(own);
  const proof = `--identity ${identity}${witness ? ' --witness' : ''}`;
  const lines = [
    `cluster   ${made.cluster_id}`,
    `replica   ${id}${witness ? ', a witness: it votes, and holds no key' : ''}`,
    `identity  ${identity}`,
    `home      ${home}`,
    'next:',
    `  its config.toml: as on the other replicas${witness ? ', without a chain' : ''}; peer lists all members of then, and ${id}`,
    '  copy the home, whole, to its machine, and nowhere else; its directories stay 0700, its files 0600',
    ...(witness
      ? []
      : ['  there: the key of each chain, from another replica (mode 0600); never a state file']),
    '  there: cmkms start --home <home>; it waits to be admitted',
    `  on the leader: cmkms cluster add ${id}=${address} ${proof}`,
    `  or, in the place of another: cmkms cluster replace <old id> --with ${id}=${address} ${proof}`,
  ];
  return `${lines.join('\n')}\n`;
}
