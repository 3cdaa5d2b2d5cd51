/**
 * The Raft node of this replica, from what was checked.
 *
 * Owns    which members it is given, and the digest of what should be the same everywhere.
 * Never   runs it.
 */
import { type Membership, RaftNode } from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { Checked } from '../check-home.js';
import type { Settings } from '../config/settings.js';
import { CmkmsError } from '../errors.js';
import { writeReplicaFile } from '../home-records.js';
import type { Edges } from './edges.js';
import type { SigningStateMachine } from './state-machine.js';

export interface NodeMaterial {
  readonly settings: Settings;
  readonly checked: Checked;
  readonly identity: string;
  readonly version: string;
}

export function makeNode(
  material: NodeMaterial,
  edges: Edges,
  machine: SigningStateMachine,
  onFatal: (error: Error) => void,
): RaftNode<Answer> {
  const { settings, checked, identity, version } = material;
  return new RaftNode<Answer>({
    ...{ storage: edges.storage, transport: edges.transport },
    ...{ clock: edges.clock, entropy: edges.entropy },
    self: { id: identity, name: checked.name },
    version,
    members: checked.members.map(({ name, address, identity: id }) => ({
      id: name === checked.name ? identity : id,
      name,
      address,
      witness: false,
    })),
    clusterId: clusterIdOf(checked),
    joined: checked.replica,
    recordJoined: async ({ clusterId }) => {
      const joinedAt = new Date(edges.clock.wallMs()).toISOString();
      const { name, paths } = checked;
      const record = { clusterId, identity, name, joinedAt };
      await writeReplicaFile(paths.replica, record, edges.files);
    },
    stateMachine: machine,
    timers: settings.raft,
    snapshotEntries: settings.raft.snapshotEntries,
    configDigest: () => configDigest(material),
    onFatal,
  });
}

/** Null: nobody wrote one down, so the founding draws it. */
function clusterIdOf({ genesis, replica, tls }: Checked): string | null {
  return genesis?.clusterId ?? replica?.clusterId ?? tls?.certificate.clusterId ?? null;
}

/** Items that should be the same on every member; a difference is a warning. */
function configDigest({ settings, checked }: NodeMaterial): string {
  const { heartbeatIntervalMs, electionTimeoutMs, leaseMs } = settings.raft;
  const chains = checked.chains.map((c) => `${c.settings.id}/${c.keyAddress}`).sort();
  return [
    `timers=${heartbeatIntervalMs}/${electionTimeoutMs}/${leaseMs}`,
    `chains=${chains.join(',')}`,
  ].join(' ');
}

/** What of another member's digest differs from ours. */
export function driftOf(material: NodeMaterial, theirs: string): readonly string[] {
  const own = configDigest(material).split(' ');
  return theirs.split(' ').filter((item) => item !== '' && !own.includes(item));
}

/**
 * Who the members are, the log says; addresses may differ, since each side dials by its own list.
 * @throws CmkmsError MEMBERS_DIFFER
 */
export function refuseOtherMembers(checked: Checked, membership: Membership): void {
  const config = checked.members.map((member) => member.name).sort();
  const members = membership.voters.map((member) => member.name).sort();
  if (config.join() === members.join()) return;
  throw new CmkmsError('MEMBERS_DIFFER', { config, members, source: 'its log' });
}
