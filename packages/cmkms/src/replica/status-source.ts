/**
 * The running replica as everything that shows it sees it.
 *
 * Owns    gathering the facts of `ReplicaStatus`, each time anew.
 * Never   judges them (http/readiness.ts) or keeps them.
 */
import { X509Certificate } from 'node:crypto';
import { statfsSync } from 'node:fs';
import type { AdmissionStep, CoreStatus, Member, Membership } from '@cometkms/consensus';
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
      // What was signed a moment ago is part of what is so now, and of the metrics that are read with it.
      replica.reports.tellNow();
      const core = replica.node.status();
      return {
        id: checked.name,
        version,
        clusterId: replica.node.clusterId === '' ? null : replica.node.clusterId,
        startedAt: replica.startedAt,
        witness: checked.witness,
        phase: phaseOf(replica, core),
        consensus: core === null ? null : consensusOf(replica, core),
        log: core === null ? null : logOf(replica),
        chains: replica.chains.map((chain) => chainOf(replica, chain)),
        disks: disksOf(replica),
        certificateNotAfter: { own: certificate?.notAfter.getTime() ?? null, ca: caNotAfter },
        latencyBudgetMs: settings.signing.latencyBudgetMs,
        staleList: replica.membership.staleList,
      };
    },
  };
}

function phaseOf(replica: Replica, core: CoreStatus | null): Phase {
  if (replica.stopping) return { kind: 'draining' };
  if (core !== null) return { kind: 'running' };
  const { checked } = replica.options;
  if (checked.join !== null) return { kind: 'joining', waits: waitsFor(replica) };
  const { members, name } = checked;
  const missing = replica.foundingMissing;
  const answered = members.filter((m) => m.name === name || !missing.includes(m.name));
  return {
    kind: 'founding',
    answered: answered.map((m) => m.name),
    missing: members.filter((m) => missing.includes(m.name)).map((m) => `${m.name}=${m.address}`),
  };
}

/** What is still to be done, and on the leader what to type. */
function waitsFor({ membership, options }: Replica): string {
  const { name, members, witness } = options.checked;
  const address = members.find((member) => member.name === name)?.address ?? '';
  const admit = `cmkms cluster add ${name}=${address} --identity ${options.identity}${witness ? ' --witness' : ''}`;
  const ask = `on the leader: ${admit} (or cluster replace OLD --with ...)`;
  const step = membership.joiningStep;
  if (step?.kind !== 'wait') return `no member was heard yet; to admit this replica, ${ask}`;
  return waits[step.why](step, ask);
}

type Wait = Extract<AdmissionStep, { kind: 'wait' }>;
const waits: Readonly<Record<Wait['why'], (step: Wait, ask: string) => string>> = {
  untold: (_step, ask) => `no member knows this identity yet, or none is reachable; ${ask}`,
  notLearner: (_step, ask) => `no member knows this identity yet; ${ask}`,
  clusters: () => 'the members that answer are of different clusters',
  tooFew: ({ heard, needed }) =>
    `admitted; ${heard} of the ${needed} voters that must say so are linked`,
};

function consensusOf(replica: Replica, core: CoreStatus): ConsensusStatus {
  const { node } = replica;
  const now = performance.now();
  const membership = node.membership ?? { voters: [], learners: [] };
  const list = [
    ...membership.voters.map((member) => memberOf(replica, core, member, true, now)),
    ...membership.learners.map((member) => memberOf(replica, core, member, false, now)),
  ];
  const leader = list.find((member) => member.identity === core.leader);
  const voters = list.filter((member) => member.voter);
  const leaseMs = core.leaseUntil === null ? null : core.leaseUntil - now;
  return {
    role: ownRole(core, membership, node.id),
    term: core.term,
    leader: leader === undefined ? null : { id: leader.id, address: leader.address },
    leaseMs:
      leaseMs !== null && leaseMs > 0 && node.mayServe() ? Math.min(leaseMs, 86_400_000) : null,
    commitIndex: core.commit,
    appliedIndex: core.applied,
    rules: core.rules,
    voters: voters.length,
    votersReachable: voters.filter((member) => member.reachable).length,
    members: list,
  };
}

/** One that is no voter by its own log follows, or is about to: a leader that was removed leads until it is told. */
function ownRole(
  { role }: CoreStatus,
  { voters }: Membership,
  self: string,
): Exclude<MemberRole, 'unknown'> {
  if (role === 'leader') return 'leader';
  if (!voters.some(({ id }) => id === self)) return 'learner';
  return role === 'follower' ? 'follower' : 'candidate';
}

function memberOf(
  replica: Replica,
  core: CoreStatus,
  member: Member,
  voter: boolean,
  now: number,
): MemberStatus {
  const { node, options } = replica;
  const self = member.id === node.id;
  const peer = core.peers.find((candidate) => candidate.id === member.id);
  const hello = node.helloOf(member.id);
  const heardAt = node.heardAt(member.id);
  const reachable = self || node.isUp(member.id);
  const ownNotAfter = options.checked.tls?.certificate.notAfter.getTime() ?? null;
  return {
    id: member.name,
    identity: member.id,
    address: member.address,
    self,
    voter,
    witness: member.witness,
    role: self
      ? ownRole(core, node.membership ?? { voters: [], learners: [] }, node.id)
      : otherRole(core, member.id, voter, reachable),
    reachable,
    matchIndex: peer?.match ?? null,
    rttMs: peer?.rttMs ?? null,
    lastContactMs: self || heardAt === null ? null : now - heardAt,
    version: self ? options.version : (hello?.version ?? null),
    rules: self ? options.rules : (hello?.rules ?? null),
    certificateNotAfter: self ? ownNotAfter : replica.members.certificateNotAfter(member.id),
    configDrift: hello === null ? [] : driftOf(options, hello.configDigest),
  };
}

function otherRole(core: CoreStatus, id: string, voter: boolean, reachable: boolean): MemberRole {
  if (core.leader === id) return 'leader';
  if (!voter) return 'learner';
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
