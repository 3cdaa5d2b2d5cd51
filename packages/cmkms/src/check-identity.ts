/**
 * Who this replica is, and whether all that says so agrees: id, peer list, certificate, genesis.json
 * or join.json, priv/replica.json, and the memberships that the log has had.
 *
 * Owns    the comparison of these before anything is bound, and the refusal of a lost log.
 * Never   asks another replica: what only they know (a log without this replica's file) is found at the link.
 * Rule    docs/architecture.md, consensus 8.
 * Proof   test/cli-check.test.ts (one home per way to be wrong).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type ReplicaCertificate, readReplicaCertificate } from '@cometkms/consensus';
import { systemFiles } from '@cometkms/signer';
import type { HostPort } from './config/addresses.js';
import type { Settings, Warning } from './config/settings.js';
import { CmkmsError } from './errors.js';
import { type HomePaths, isEmpty, isMissing } from './home.js';
import {
  type GenesisFile,
  type JoinFile,
  type ReplicaFile,
  readGenesisFile,
  readJoinFile,
  readReplicaFile,
} from './home-records.js';
import { judgeList, listText, readMemberships } from './memberships.js';

export interface CheckedTls {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly certificate: ReplicaCertificate;
}

export interface CheckedMember {
  readonly name: string;
  readonly address: string;
  /** Null: only the member itself knows (no genesis.json). */
  readonly identity: string | null;
  /** As genesis.json says, and of this replica itself its own home: what the log says is for who runs. */
  readonly witness: boolean;
}

export interface CheckedIdentity {
  /** What operators call this replica. */
  readonly name: string;
  /** In order of name, this replica included; one member when solo. */
  readonly members: readonly CheckedMember[];
  /** Null when solo: nobody links. */
  readonly raftListen: HostPort | null;
  /** Null when solo, or with --insecure-raft. */
  readonly tls: CheckedTls | null;
  readonly genesis: GenesisFile | null;
  /** Null: this home is of a founder. */
  readonly join: JoinFile | null;
  /** This home says that its replica holds no key. */
  readonly witness: boolean;
  /** Null: never joined. */
  readonly replica: ReplicaFile | null;
  readonly warnings: readonly Warning[];
}

/**
 * @throws CmkmsError MEMBERS_DIFFER, ID_NOT_IN_PEERS, CERT_ID, TLS_MISSING, TLS_DAMAGED, KEY_MODE,
 *         CLUSTER_DIFFERS, DATA_MISSING, RECORD_DAMAGED, CONFIG
 */
export async function checkIdentity(
  settings: Settings,
  paths: HomePaths,
  now: Date,
): Promise<CheckedIdentity> {
  const genesis = await readGenesisFile(paths.genesis);
  const joining = await readJoinFile(paths.join);
  const replica = await readReplicaFile(paths.replica);
  refuseMixedHome(genesis, joining, replica, paths);
  // Before anything else could look for a cluster to found: this one was founded.
  if (replica !== null && (await isEmpty(paths.wal))) {
    const { clusterId, joinedAt, name: id } = replica;
    throw new CmkmsError('DATA_MISSING', { data: paths.wal, clusterId, joinedAt, id });
  }
  const edited = await judgeMembers(settings, genesis, replica, paths);
  if (settings.solo) return solo(settings, replica);
  refuseInsecureWithRecord(settings, genesis ?? joining);
  const tls = settings.insecureRaft ? null : await readTls(settings, now);
  const { name, from } = nameOf(settings, tls);
  const own = settings.peers.find((peer) => peer.name === name);
  if (own === undefined) {
    const peers = settings.peers.map((peer) => peer.name);
    throw new CmkmsError('ID_NOT_IN_PEERS', { id: name, from, peers });
  }
  const founder = genesis?.members.find((member) => member.name === name) ?? null;
  const home = {
    clusterId: (genesis ?? joining)?.clusterId,
    identity: (founder ?? joining)?.identity,
  };
  if (tls !== null) refuseOtherCertificate(settings, tls.certificate, name, home, replica);
  const witness = (founder ?? joining)?.witness ?? false;
  const founders = new Map(genesis?.members.map((member) => [member.name, member]));
  return {
    name,
    members: settings.peers.map((peer) => ({
      name: peer.name,
      address: peer.host.includes(':')
        ? `[${peer.host}]:${peer.port}`
        : `${peer.host}:${peer.port}`,
      identity: founders.get(peer.name)?.identity ?? null,
      witness: peer.name === name ? witness : (founders.get(peer.name)?.witness ?? false),
    })),
    raftListen: settings.raftAddress ?? { host: own.host, port: own.port },
    tls,
    genesis,
    join: joining,
    witness,
    replica,
    warnings: [...edited, ...(tls === null ? [] : expiry(tls.certificate, now))],
  };
}

function solo(settings: Settings, replica: ReplicaFile | null): CheckedIdentity {
  const name = settings.id?.value ?? replica?.name ?? settings.hostName;
  return {
    name,
    members: [{ name, address: '', identity: replica?.identity ?? null, witness: false }],
    raftListen: null,
    tls: null,
    genesis: null,
    join: null,
    witness: false,
    replica,
    warnings: [],
  };
}

function refuseMixedHome(
  genesis: GenesisFile | null,
  joining: JoinFile | null,
  replica: ReplicaFile | null,
  paths: HomePaths,
): void {
  if (genesis !== null && joining !== null) {
    throw new CmkmsError('CLUSTER_DIFFERS', {
      path: paths.join,
      found: 'a home that joins a cluster',
      wanted: 'one that founds it',
      source: 'genesis.json',
    });
  }
  const record = genesis ?? joining;
  if (record === null || replica === null || record.clusterId === replica.clusterId) return;
  throw new CmkmsError('CLUSTER_DIFFERS', {
    path: paths.replica,
    found: `cluster ${replica.clusterId}`,
    wanted: `cluster ${record.clusterId}`,
    source: genesis === null ? 'join.json' : 'genesis.json',
  });
}

/**
 * The genesis binds until this replica joined; from then on its log does, and it knows of later members. The
 * running replica asks the log itself; this is what `check` can see of it beside a running one.
 * A cluster's home that is told to be solo is a second signer, whenever it is told so.
 */
async function judgeMembers(
  settings: Settings,
  genesis: GenesisFile | null,
  replica: ReplicaFile | null,
  paths: HomePaths,
): Promise<readonly Warning[]> {
  const config = settings.peers.map((peer) => peer.name);
  const founders = genesis?.members.map((member) => member.name).sort();
  const founded = founders === undefined ? [] : [{ index: 0, members: founders }];
  const logged = replica === null ? [] : await readMemberships(paths.memberships, systemFiles);
  if (founded.length + logged.length === 0) return [];
  // A solo home has a log of one member, whatever its name is.
  if (settings.solo && founders === undefined && logged.at(-1)?.members.length === 1) return [];
  const verdict = judgeList(config, [...founded, ...logged]);
  if (verdict.kind === 'same') return [];
  const { members } = verdict;
  // A log of an earlier version of this program: it alone knows who came after the founders.
  const isToldByTheLog = replica !== null && logged.length === 0 && !settings.solo;
  if (isToldByTheLog && verdict.kind !== 'earlier') return [];
  const text = listText(config, verdict);
  if (replica !== null && verdict.kind !== 'differs' && text !== null) {
    return [{ code: 'MEMBERS_CHANGED', text }];
  }
  const source = logged.length === 0 ? 'genesis.json' : 'its log';
  throw new CmkmsError('MEMBERS_DIFFER', { config, members, source });
}

function refuseInsecureWithRecord(settings: Settings, record: object | null): void {
  if (!settings.insecureRaft || record === null) return;
  throw new CmkmsError('CONFIG', {
    where: '--insecure-raft',
    problem: 'this home has certificates, and its record of the cluster counts on them.',
    remedy: 'leave the flag out.',
  });
}

function nameOf(
  settings: Settings,
  tls: CheckedTls | null,
): { readonly name: string; readonly from: string } {
  if (settings.id !== null) return { name: settings.id.value, from: settings.id.where };
  if (tls !== null) {
    return { name: tls.certificate.replicaName, from: settings.tls.certificatePath };
  }
  return { name: settings.hostName, from: 'the host name' };
}

function refuseOtherCertificate(
  settings: Settings,
  certificate: ReplicaCertificate,
  name: string,
  home: { readonly clusterId: string | undefined; readonly identity: string | undefined },
  replica: ReplicaFile | null,
): void {
  const path = settings.tls.certificatePath;
  const clusterId = replica?.clusterId ?? home.clusterId;
  const is = `${certificate.replicaName} of cluster ${certificate.clusterId}`;
  const otherCluster = clusterId !== undefined && clusterId !== certificate.clusterId;
  if (certificate.replicaName !== name || otherCluster) {
    const wanted = clusterId === undefined ? name : `${name} of cluster ${clusterId}`;
    throw new CmkmsError('CERT_ID', { path, is, wanted });
  }
  const identity = replica?.identity ?? home.identity;
  if (identity === undefined || identity === certificate.identity) return;
  throw new CmkmsError('CERT_ID', {
    path,
    is: `${is} under the identity ${certificate.identity.slice(0, 16)}`,
    wanted: `${name} under ${identity.slice(0, 16)}`,
  });
}

/** @throws CmkmsError TLS_MISSING, TLS_DAMAGED, KEY_MODE */
async function readTls(settings: Settings, now: Date): Promise<CheckedTls> {
  const { caPath, certificatePath, keyPath } = settings.tls;
  const certificatePem = await readPem(certificatePath, false);
  const keyPem = await readPem(keyPath, true);
  const caPem = await readPem(caPath, false);
  const certificate = usable(certificatePath, () => readReplicaCertificate(certificatePem));
  const ca = usable(caPath, () => new X509Certificate(caPem));
  const own = new X509Certificate(certificatePem);
  const key = usable(keyPath, () => createPrivateKey(keyPem));
  if (!own.checkPrivateKey(key)) {
    throw new CmkmsError('TLS_DAMAGED', {
      path: keyPath,
      detail: `it is not the private key of ${certificatePath}`,
    });
  }
  if (!own.checkIssued(ca) || !own.verify(ca.publicKey)) {
    throw new CmkmsError('TLS_DAMAGED', {
      path: certificatePath,
      detail: `${caPath} did not issue it: it is of another cluster`,
    });
  }
  if (certificate.notAfter <= now) {
    const detail = `it expired on ${certificate.notAfter.toISOString().slice(0, 10)}`;
    throw new CmkmsError('TLS_DAMAGED', { path: certificatePath, detail });
  }
  return { caPem, certificatePem, keyPem, certificate };
}

async function readPem(path: string, secret: boolean): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const mode = (await file.stat()).mode & 0o777;
      if (secret && (mode & 0o077) !== 0) {
        const octal = `0${mode.toString(8)}`;
        throw new CmkmsError('KEY_MODE', {
          path,
          problem: `may be used by others (mode ${octal})`,
        });
      }
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) throw new CmkmsError('TLS_MISSING', { path }, { cause: error });
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    throw new CmkmsError('PERMISSION', { detail: `cannot read ${path}` }, { cause: error });
  }
}

function usable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const detail = (cause as Error).message.split('\n')[0] ?? '';
    throw new CmkmsError('TLS_DAMAGED', { path, detail }, { cause });
  }
}

const expiryWarningMs = 60 * 24 * 3_600_000;

function expiry(certificate: ReplicaCertificate, now: Date): readonly Warning[] {
  if (certificate.notAfter.getTime() - now.getTime() > expiryWarningMs) return [];
  const day = certificate.notAfter.toISOString().slice(0, 10);
  return [{ code: 'CERT_EXPIRES', text: `this replica's certificate ends on ${day}.` }];
}
