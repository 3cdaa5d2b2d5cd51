/**
 * The running replica as everything that shows it sees it.
 *
 * Owns    gathering the facts of `ReplicaStatus`, each time anew.
 * Never   judges them (http/readiness.ts) or keeps them.
 */
import { X509Certificate } from 'node:crypto';
import { statfsSync } from 'node:fs';
import type { CoreStatus } from '@cometkms/consensus';
import type {
  ChainStatus,
  ConsensusStatus,
  DiskStatus,
  LogStatus,
  MemberRole,
  MemberStatus,
  Phase,
  ReplicaStatus,
  StatusSource,
} from '../status.js';
import type { HeldChain } from './chains.js';
import { driftOf } from './node.js';
import type { Replica } from './replica.js';

export function statusSource(replica: Replica): StatusSource {
  const { checked, settings, version } = replica.options;
  const certificate = checked.tls?.certificate ?? null;
  const caPem = checked.tls?.caPem;
  const caNotAfter = caPem === undefined ? null : Date.parse(new X509Certificate(caPem).validTo);
  return {
    status: (): ReplicaStatus => {
      const core = replica.node.status();
      return {
        id: checked.name,
        version,
        clusterId: replica.node.clusterId === '' ? null : replica.node.clusterId,
        startedAt: replica.startedAt,
        witness: false,
        phase: phaseOf(replica, core),
        consensus: core === null ? null : consensusOf(replica, core),
        log: core === null ? null : logOf(replica),
        chains: replica.chains.map((chain) => chainOf(replica, chain)),
        disks: disksOf(replica),
        certificateNotAfter: { own: certificate?.notAfter.getTime() ?? null, ca: caNotAfter },
        latencyBudgetMs: settings.signing.latencyBudgetMs,
      };
    },
  };
}

function phaseOf(replica: Replica, core: CoreStatus | null): Phase {
  if (replica.stopping) return { kind: 'draining' };
  if (core !== null) return { kind: 'running' };
  const { members, name } = replica.options.checked;
  const missing = replica.foundingMissing;
  const answered = members.filter((m) => m.name === name || !missing.includes(m.name));
  return {
    kind: 'founding',
    answered: answered.map((m) => m.name),
    missing: members.filter((m) => missing.includes(m.name)).map((m) => `${m.name}=${m.address}`),
  };
}

function consensusOf(replica: Replica, core: CoreStatus): ConsensusStatus {
  const { node, members } = replica;
  const now = performance.now();
  const leader = members.all.find((member) => member.id === core.leader);
  const list = members.all.map((member) => memberOf(replica, core, member, now));
  const leaseMs = core.leaseUntil === null ? null : core.leaseUntil - now;
  return {
    role: roleOf(core.role),
    term: core.term,
    leader: leader === undefined ? null : { id: leader.name, address: leader.address },
    leaseMs:
      leaseMs !== null && leaseMs > 0 && node.mayServe() ? Math.min(leaseMs, 86_400_000) : null,
    commitIndex: core.commit,
    appliedIndex: core.applied,
    voters: list.length,
    votersReachable: list.filter((member) => member.reachable).length,
    members: list,
  };
}

function roleOf(role: CoreStatus['role']): Exclude<MemberRole, 'unknown'> {
  return role === 'leader' || role === 'follower' ? role : 'candidate';
}

function memberOf(
  replica: Replica,
  core: CoreStatus,
  member: { readonly id: string; readonly name: string; readonly address: string },
  now: number,
): MemberStatus {
  const { node } = replica;
  const self = member.id === node.id;
  const peer = core.peers.find((candidate) => candidate.id === member.id);
  const hello = node.helloOf(member.id);
  const heardAt = node.heardAt(member.id);
  const reachable = self || node.isUp(member.id);
  return {
    id: member.name,
    address: member.address,
    self,
    witness: false,
    role: self ? roleOf(core.role) : otherRole(core, member.id, reachable),
    reachable,
    matchIndex: peer?.match ?? null,
    rttMs: peer?.rttMs ?? null,
    lastContactMs: self || heardAt === null ? null : now - heardAt,
    version: self ? replica.options.version : (hello?.version ?? null),
    configDrift: hello === null ? [] : driftOf(replica.options, hello.configDigest),
  };
}

function otherRole(core: CoreStatus, id: string, reachable: boolean): MemberRole {
  if (core.leader === id) return 'leader';
  return reachable ? 'follower' : 'unknown';
}

function logOf(replica: Replica): LogStatus {
  const { bytes, lastSyncMs, inFlightMs } = replica.node.logStats();
  return {
    bytes,
    failed: false,
    lastSyncMs: Math.max(lastSyncMs, inFlightMs),
    slowSyncMs: replica.options.settings.raft.electionTimeoutMs,
  };
}

function chainOf(replica: Replica, chain: HeldChain): ChainStatus {
  const record = replica.store.read(chain.id);
  const last = record?.last ?? null;
  return {
    chainId: chain.chainId,
    keyAddress: chain.keyAddress,
    keyType: chain.id.key.type,
    keyLoaded: true,
    // Needed to sign, and made anew when this replica leads: a follower without one is as good as any.
    watermark:
      chain.watermark.ready || replica.node.leader !== replica.node.id ? 'ready' : 'rebuilding',
    registration: record === undefined ? 'unregistered' : record.retired ? 'retired' : 'registered',
    waitingFor: record === undefined ? replica.waitingFor(chain.id) : null,
    last: last === null ? null : { ...last.hrs, signBytes: last.signBytes },
    lastReleasedAt: replica.reports.lastReleasedAt(chain),
    floor: record?.floor ?? null,
    haltHeight: record?.haltHeight ?? null,
    medianMs: replica.reports.medianMs(chain),
    validators: replica.links?.status(chain) ?? [],
  };
}

function disksOf(replica: Replica): readonly DiskStatus[] {
  const { paths } = replica.options.checked;
  const minimumBytes = replica.options.settings.raft.minFreeDiskBytes;
  return (['data', 'priv'] as const).flatMap((path): DiskStatus[] => {
    try {
      const { bavail, bsize } = statfsSync(paths[path]);
      return [{ path, freeBytes: bavail * bsize, minimumBytes }];
    } catch {
      // Not there yet, or not to be asked: then there is nothing to say about it.
      return [];
    }
  });
}
