/**
 * Every error of this room that the world or an operator can cause.
 *
 * Owns    the codes, what each says, and its remedy. A code keeps its meaning for ever.
 * Never   used for our own broken rules: those are `invariant`.
 */

import type { ChangeRefusal } from './core/types.js';

interface Row {
  readonly says: (facts: never) => string;
  readonly remedy: string;
}

export const consensusErrors = {
  CONSENSUS_NOT_LEADER: {
    says: (f: { leader: string | null }) =>
      f.leader === null ? 'no replica leads now' : `replica ${f.leader} leads`,
    remedy: 'Nothing was written here: ask the leader.',
  },
  CONSENSUS_OUTCOME_UNKNOWN: {
    says: (f: { detail: string }) => `the proposal's outcome is unknown: ${f.detail}`,
    remedy: 'It may have committed, or may yet: propose the same bytes again, never others.',
  },
  CONSENSUS_CHANGE_REFUSED: {
    says: (f: { detail: string; refusal: ChangeRefusal }) =>
      `this change of the members is not made: ${f.detail}`,
    remedy:
      'Nothing was written. What passes by itself (a change under way, a learner that lags) may be asked for again.',
  },
  CONSENSUS_REMOVED: {
    says: (f: { peer: string; detail: string }) => `${f.peer} refuses this replica: ${f.detail}`,
    remedy:
      'It was removed from its cluster for good and has stopped. Its identity is never taken again: for another replica make a new home.',
  },
  CONSENSUS_FOUNDED_WITHOUT: {
    says: (f: { peer: string; detail: string }) => `${f.peer} refuses this replica: ${f.detail}`,
    remedy:
      'A home of `cmkms cluster init` founds a cluster, once, with all of its members. For one that is there make a home with `cmkms cluster home`, and admit it on the leader: `cmkms cluster add` or `cmkms cluster replace`.',
  },
  CONSENSUS_LOG_DAMAGED: {
    says: (f: { path: string; offset: number; detail: string }) =>
      `the log ${f.path} is damaged at byte ${f.offset}: ${f.detail}`,
    remedy:
      'This replica may have forgotten what it promised and must not vote. Keep the directory for a post-mortem and leave this home stopped. The others go on while they are a majority, and admit a new one in its place: `cmkms cluster replace`.',
  },
  CONSENSUS_LOG_VERSION: {
    says: (f: { path: string; found: number; known: number }) =>
      `${f.path} is of version ${f.found}, this program knows version ${f.known}`,
    remedy: 'Run the version that wrote it, or a later one.',
  },
  CONSENSUS_LOG_UNREADABLE: {
    says: (f: { path: string; detail: string }) => `the log ${f.path} cannot be read: ${f.detail}`,
    remedy:
      'Check the mount, its permissions and the disk; a foreign file among the segments must go.',
  },
  CONSENSUS_RECORD_UNKNOWN: {
    says: (f: { detail: string }) => `a record that this program does not know: ${f.detail}`,
    remedy: 'Run the version that wrote it, or a later one.',
  },
  CONSENSUS_RULES_UNKNOWN: {
    says: (f: { version: number; index: number; oldest: number; newest: number }) =>
      `the log is applied by version ${f.version} of the rules from entry ${f.index} on; this program knows ${f.oldest} to ${f.newest}`,
    remedy:
      'Nothing was skipped, and the others go on while they are a majority. Run a program that knows this version (`cmkms version` says which it knows), as they do: docs/runbooks/upgrade.md.',
  },
  CONSENSUS_STATE_DIFFERS: {
    says: (f: { index: number; own: string; leaders: string }) =>
      `after entry ${f.index} this replica's state is ${f.own}, the leader's was ${f.leaders}: one of them applied the same log differently`,
    remedy:
      'This replica stopped, and must stay so. Keep its directory, and follow docs/runbooks/states-differ.md: it depends on how many stopped.',
  },
  CONSENSUS_RECORD_MALFORMED: {
    says: (f: { detail: string }) => `a record is malformed: ${f.detail}`,
    remedy: 'Check that all replicas run versions that may share a cluster.',
  },
  CONSENSUS_LOG_FAILED: {
    says: (f: { path: string; detail: string }) => `writing the log ${f.path} failed: ${f.detail}`,
    remedy: 'The replica stopped, as it must. Check the disk (space, errors), then start it again.',
  },
  CONSENSUS_LOG_FOREIGN: {
    says: (f: { found: string; wanted: string }) =>
      `the log belongs to identity ${f.found.slice(0, 16)}, this replica is ${f.wanted.slice(0, 16)}`,
    remedy: 'A disk of another replica is mounted, or a home was mixed from two. Put back its own.',
  },
  CONSENSUS_LOG_MISSING: {
    says: (f: { clusterId: string }) =>
      `this replica has joined cluster ${f.clusterId}, and its log is empty`,
    remedy:
      'Mount the data volume. If the disk is gone, leave this home stopped: it could vote twice. The others go on while they are a majority, and admit a new one in its place: `cmkms cluster replace`.',
  },
  CONSENSUS_CLUSTER_DIFFERS: {
    says: (f: { found: string; wanted: string }) =>
      `the log is of cluster ${f.found}, this home is of cluster ${f.wanted}`,
    remedy: 'A home was mixed from two clusters. Put back its own log.',
  },
  CONSENSUS_DISK_DOUBTED: {
    says: (f: { peer: string; code: string; detail: string }) =>
      `${f.peer} refuses this replica: ${f.detail}`,
    remedy:
      'Its disk is older than what it promised, or a copy of another: it must never vote again. ' +
      'Put back the newest disk, or admit a new replica in its place: `cmkms cluster replace`.',
  },
  CONSENSUS_NAME_INVALID: {
    says: (f: { what: string; name: string }) =>
      `the ${f.what} ${JSON.stringify(f.name)} is not usable`,
    remedy:
      'Use 1 to 63 letters, digits, dots, dashes or underscores; begin with a letter or digit.',
  },
  CONSENSUS_CERTIFICATE_INVALID: {
    says: (f: { detail: string }) => `not a usable replica certificate: ${f.detail}`,
    remedy: 'Use the certificate that `cmkms cluster init` made for this replica.',
  },
  CONSENSUS_FRAME_MALFORMED: {
    says: (f: { detail: string }) => `a frame between replicas is malformed: ${f.detail}`,
    remedy: 'The link was closed. Check that all replicas run versions that may share a cluster.',
  },
  CONSENSUS_LISTEN_FAILED: {
    says: (f: { address: string; detail: string }) =>
      `cannot listen for the other replicas on ${f.address}: ${f.detail}`,
    remedy: 'Choose a free address of this machine as raft_addr, or stop what uses it.',
  },
  CONSENSUS_ADDRESS_INVALID: {
    says: (f: { address: string }) => `${f.address} is not host:port`,
    remedy: 'Write host:port, with [brackets] around an IPv6 address.',
  },
  CONSENSUS_INSECURE_ADDRESS: {
    says: (f: { address: string }) => `${f.address} is not a loopback address`,
    remedy:
      'Without certificates anybody who reaches the port may vote: --insecure-raft works on loopback only. Use `cmkms cluster init`.',
  },
} as const satisfies Record<string, Row>;

export type ConsensusCode = keyof typeof consensusErrors;
type Facts<C extends ConsensusCode> = Parameters<(typeof consensusErrors)[C]['says']>[0];

export class ConsensusError<C extends ConsensusCode = ConsensusCode> extends Error {
  override readonly name = 'ConsensusError';
  readonly remedy: string;
  constructor(
    readonly code: C,
    readonly facts: Facts<C>,
    options?: ErrorOptions,
  ) {
    const row: Row = consensusErrors[code];
    // The table pairs each code with its facts; an index by a type parameter loses the pairing.
    super((row.says as (facts: Facts<C>) => string)(facts), options);
    this.remedy = row.remedy;
  }
}
