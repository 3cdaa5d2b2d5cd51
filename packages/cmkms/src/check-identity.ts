/**
 * Who this replica is, and whether all that says so agrees: id, peer list, certificate, genesis.json,
 * priv/replica.json.
 *
 * Owns    the comparison of these five before anything is bound, and the refusal of a lost log.
 * Never   asks another replica: what only they know (a log without this replica's file) is found at the link.
 * Rule    docs/architecture.md, consensus 8.
 * Proof   test/cli-check.test.ts (one home per way to be wrong).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type ReplicaCertificate, readReplicaCertificate } from '@cometkms/consensus';
import type { HostPort } from './config/addresses.js';
import type { Settings, Warning } from './config/settings.js';
import { CmkmsError } from './errors.js';
import { type HomePaths, isEmpty, isMissing } from './home.js';
import {
  type GenesisFile,
  type ReplicaFile,
  readGenesisFile,
  readReplicaFile,
} from './home-records.js';

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
  const replica = await readReplicaFile(paths.replica);
  refuseOtherCluster(genesis, replica, paths);
  // Before anything else could look for a cluster to found: this one was founded.
  if (replica !== null && (await isEmpty(paths.wal))) {
    const { clusterId, joinedAt } = replica;
    throw new CmkmsError('DATA_MISSING', { data: paths.wal, clusterId, joinedAt });
  }
  refuseOtherMembers(settings, genesis, replica);
  if (settings.solo) return solo(settings, replica);
  refuseInsecureWithGenesis(settings, genesis);
  const tls = settings.insecureRaft ? null : await readTls(settings, now);
  const { name, from } = nameOf(settings, tls);
  const own = settings.peers.find((peer) => peer.name === name);
  if (own === undefined) {
    const peers = settings.peers.map((peer) => peer.name);
    throw new CmkmsError('ID_NOT_IN_PEERS', { id: name, from, peers });
  }
  if (tls !== null) refuseOtherCertificate(settings, tls.certificate, name, genesis, replica);
  const identities = new Map(genesis?.members.map((member) => [member.name, member.identity]));
  return {
    name,
    members: settings.peers.map((peer) => ({
      name: peer.name,
      address: peer.host.includes(':')
        ? `[${peer.host}]:${peer.port}`
        : `${peer.host}:${peer.port}`,
      identity: identities.get(peer.name) ?? null,
    })),
    raftListen: settings.raftAddress ?? { host: own.host, port: own.port },
    tls,
    genesis,
    replica,
    warnings: tls === null ? [] : expiry(tls.certificate, now),
  };
}

function solo(settings: Settings, replica: ReplicaFile | null): CheckedIdentity {
  const name = settings.id?.value ?? replica?.name ?? settings.hostName;
  return {
    name,
    members: [{ name, address: '', identity: replica?.identity ?? null }],
    raftListen: null,
    tls: null,
    genesis: null,
    replica,
    warnings: [],
  };
}

function refuseOtherCluster(
  genesis: GenesisFile | null,
  replica: ReplicaFile | null,
  paths: HomePaths,
): void {
  if (genesis === null || replica === null || genesis.clusterId === replica.clusterId) return;
  throw new CmkmsError('CLUSTER_DIFFERS', {
    path: paths.replica,
    found: `cluster ${replica.clusterId}`,
    wanted: `cluster ${genesis.clusterId}`,
    source: 'genesis.json',
  });
}

/**
 * The genesis binds until this replica joined; from then on its log does, and it knows of later members.
 * A cluster's home that is told to be solo is a second signer, whenever it is told so.
 */
function refuseOtherMembers(
  settings: Settings,
  genesis: GenesisFile | null,
  replica: ReplicaFile | null,
): void {
  if (genesis === null || (replica !== null && !settings.solo)) return;
  const config = settings.peers.map((peer) => peer.name);
  const members = genesis.members.map((member) => member.name).sort();
  if (config.join() === members.join()) return;
  throw new CmkmsError('MEMBERS_DIFFER', { config, members, source: 'genesis.json' });
}

function refuseInsecureWithGenesis(settings: Settings, genesis: GenesisFile | null): void {
  if (!settings.insecureRaft || genesis === null) return;
  throw new CmkmsError('CONFIG', {
    where: '--insecure-raft',
    problem: 'this home has certificates, and its genesis.json counts on them.',
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
  genesis: GenesisFile | null,
  replica: ReplicaFile | null,
): void {
  const path = settings.tls.certificatePath;
  const clusterId = replica?.clusterId ?? genesis?.clusterId;
  const is = `${certificate.replicaName} of cluster ${certificate.clusterId}`;
  const otherCluster = clusterId !== undefined && clusterId !== certificate.clusterId;
  if (certificate.replicaName !== name || otherCluster) {
    const wanted = clusterId === undefined ? name : `${name} of cluster ${clusterId}`;
    throw new CmkmsError('CERT_ID', { path, is, wanted });
  }
  const member = genesis?.members.find((candidate) => candidate.name === name);
  const identity = replica?.identity ?? member?.identity;
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
