/**
 * The Raft node of this replica, from what was checked.
 *
 * Owns    which members it is given, and the digest of what should be the same everywhere.
 * Never   runs it.
 */
import { type Genesis, RaftNode, type RulesRange } from '@cometkms/consensus';
import type { Answer } from '@cometkms/sign-state';
import type { Checked } from '../check-home.js';
import type { Settings } from '../config/settings.js';
import { writeReplicaFile } from '../home-records.js';
import type { Memberships } from '../memberships.js';
import type { Edges } from './edges.js';
import type { SigningStateMachine } from './state-machine.js';

/**
 * States are compared after each multiple of so many entries: at three signatures a block, each half hour or so, and
 * on a busy cluster each minute. Never configured: who hashes elsewhere has nothing to compare.
 */
export const STATE_HASH_ENTRIES = 1000;
/** A slow machine that has just started needs some 10 ms for them: a fraction of the shortest election timeout. */
export const APPLY_ENTRIES = 64;

export interface NodeMaterial {
  readonly settings: Settings;
  readonly checked: Checked;
  /** The identity of this replica, for all time. */
  readonly identity: string;
  readonly version: string;
  /** Of the state machine's rules, those that this program can apply. */
  readonly rules: RulesRange;
  /** `STATE_HASH_ENTRIES`. */
  readonly stateHashEntries: number;
  /** `APPLY_ENTRIES`. */
  readonly applyEntries: number;
}

export function makeNode(
  material: NodeMaterial,
  edges: Edges,
  machine: SigningStateMachine,
  memberships: Memberships,
  onFatal: (error: Error) => void,
): RaftNode<Answer> {
  const { settings, checked, identity, version, rules, stateHashEntries, applyEntries } = material;
  return new RaftNode<Answer>({
    ...{ storage: edges.storage, transport: edges.transport },
    ...{ clock: edges.clock, entropy: edges.entropy },
    self: { id: identity, name: checked.name },
    ...{ version, rules },
    members: checked.members.map(({ name, address, identity: id, witness }) => ({
      id: name === checked.name ? identity : id,
      ...{ name, address, witness },
    })),
    clusterId: clusterIdOf(checked),
    joins: checked.join !== null,
    joined: checked.replica,
    recordJoined: async (genesis) => {
      // First, so that a replica which joined never finds its own list unknown.
      await noteGenesis(memberships, genesis);
      const { clusterId } = genesis;
      const joinedAt = new Date(edges.clock.wallMs()).toISOString();
      const { name, paths } = checked;
      const record = { clusterId, identity, name, joinedAt };
      await writeReplicaFile(paths.replica, record, edges.files);
    },
    stateMachine: machine,
    timers: settings.raft,
    snapshotEntries: settings.raft.snapshotEntries,
    ...{ stateHashEntries, applyEntries },
    configDigest: () => configDigest(material),
    onFatal,
  });
}

/** Null: nobody wrote one down, so the founding draws it. */
function clusterIdOf({ genesis, join, replica, tls }: Checked): string | null {
  const written = genesis?.clusterId ?? join?.clusterId ?? replica?.clusterId;
  return written ?? tls?.certificate.clusterId ?? null;
}

async function noteGenesis(memberships: Memberships, genesis: Genesis): Promise<void> {
  await memberships.note(0, genesis.membership);
  const { admitted } = genesis;
  if (admitted !== undefined) await memberships.note(admitted.index, admitted.membership);
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
  // A witness has no chains, and nobody is to have others for that.
  const witnessed = [own, theirs.split(' ')].some((items) => items.includes('chains='));
  return theirs
    .split(' ')
    .filter((item) => item !== '' && !own.includes(item))
    .filter((item) => !(witnessed && item.startsWith('chains=')));
}
