/**
 * Records of the log as bytes.
 *
 * Owns    the only place where entries, snapshots and the log's other records become protobuf and back;
 *         the wire codec uses the same functions for entries and snapshots.
 * Never   judges what a record means. What it does not know exactly is refused, never skipped: a skipped
 *         entry would be a hole, a skipped field a promise forgotten.
 * Rule    proto/consensus.proto. Integers are safe integers in memory: above 2^53 - 1 is malformed.
 * Proof   test/log-codec.test.ts.
 */
import { invariant } from '@cometkms/invariant';
import Long from 'long';
import { Reader, Writer } from 'protobufjs/minimal.js';
import { cometkms } from '#generated/consensus.js';
import type {
  Entry,
  HardState,
  Member,
  Membership,
  PlacedMembership,
  Snapshot,
} from './core/types.js';
import { ConsensusError } from './errors.js';
import type { Boot, Genesis, LogBatch, PeerMark } from './storage.js';

import Proto = cometkms.consensus;

type Absent = null | undefined;

// ------------------------------------------------------------------------------- integers

/** @throws ConsensusError CONSENSUS_RECORD_MALFORMED  above 2^53 - 1 */
export function safeInteger(value: Long | number | Absent, what: string): number {
  const number = typeof value === 'number' ? value : (value?.toNumber() ?? 0);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw malformed(`${what} is ${String(value)}, which is not a safe integer`);
  }
  return number;
}

/** @throws ConsensusError CONSENSUS_RECORD_MALFORMED  below 1 */
export function positive(value: number | Absent, what: string): number {
  const number = safeInteger(value, what);
  if (number === 0) throw malformed(`${what} is 0`);
  return number;
}

/** The other direction: what we made ourselves and cannot be written is our own broken rule. */
export function unsigned(value: number, what: string): Long {
  invariant(
    Number.isSafeInteger(value) && value >= 0,
    'an integer that is written is safe and not negative',
    { what, value },
  );
  return Long.fromNumber(value, true);
}

/** @throws ConsensusError CONSENSUS_RECORD_MALFORMED  where it is absent */
export function required<T>(value: T | Absent, what: string): T {
  if (value === null || value === undefined) throw malformed(`${what} is missing`);
  return value;
}

function name(value: string | Absent, what: string): string {
  if (!value) throw malformed(`${what} is empty`);
  return value;
}

function malformed(detail: string, cause?: unknown): ConsensusError {
  return new ConsensusError('CONSENSUS_RECORD_MALFORMED', { detail }, { cause });
}

/** A copy: what protobuf hands out is a window into the buffer that was read. */
const copied = (bytes: Uint8Array | Absent): Uint8Array => new Uint8Array(bytes ?? []);

// ------------------------------------------------------------------- what is not known here

/** For bytes of a peer: it keeps the fields that this version lacks, so that they are seen. */
export function readerOf(bytes: Uint8Array): Reader {
  const reader = Reader.create(bytes);
  reader.discardUnknown = false;
  return reader;
}

/** An entry without one of its fields would be another entry, and this replica would vouch for it. */
function requireKnown(
  what: string,
  ...messages: readonly ({ readonly $unknowns?: readonly Uint8Array[] } | Absent)[]
): void {
  if (messages.every((message) => message?.$unknowns === undefined)) return;
  const detail = `${what} holds a field or a kind that it lacks`;
  throw new ConsensusError('CONSENSUS_RECORD_UNKNOWN', { detail });
}

// ------------------------------------------------------------------- entries and snapshots

export function entryToProto(entry: Entry): Proto.Entry.$Properties {
  const place = {
    index: unsigned(entry.index, 'entry index'),
    term: unsigned(entry.term, 'entry term'),
  };
  switch (entry.kind) {
    case 'empty':
      return { ...place, empty: {} };
    case 'command':
      return { ...place, command: entry.command };
    case 'membership':
      return { ...place, membership: membershipToProto(entry.membership) };
    case 'rules':
      return { ...place, rules: { version: entry.version } };
    case 'stateHash': {
      const { at, hash } = entry;
      return { ...place, stateHash: { at: unsigned(at, 'at'), hash: Buffer.from(hash, 'hex') } };
    }
  }
}

/**
 * @throws ConsensusError CONSENSUS_RECORD_UNKNOWN    an entry of a kind, or with a field, that this version does not
 *   know; fields are seen where they are read with `readerOf`
 * @throws ConsensusError CONSENSUS_RECORD_MALFORMED  an integer that is not safe
 */
export function entryFromProto(message: Proto.Entry.$Properties): Entry {
  requireKnown('an entry', message, message.rules, message.stateHash);
  const index = safeInteger(message.index, 'entry index');
  const term = safeInteger(message.term, 'entry term');
  if (message.command !== null && message.command !== undefined) {
    return { kind: 'command', index, term, command: copied(message.command) };
  }
  if (message.empty !== null && message.empty !== undefined) return { kind: 'empty', index, term };
  if (message.membership !== null && message.membership !== undefined) {
    return { kind: 'membership', index, term, membership: membershipFromProto(message.membership) };
  }
  if (message.rules) {
    const version = positive(message.rules.version, 'version of the rules');
    return { kind: 'rules', index, term, version };
  }
  if (message.stateHash) {
    const at = safeInteger(message.stateHash.at, 'index of a state hash');
    const hash = Buffer.from(message.stateHash.hash ?? []).toString('hex');
    return { kind: 'stateHash', index, term, at, hash };
  }
  throw new ConsensusError('CONSENSUS_RECORD_UNKNOWN', {
    detail: `entry ${index} of term ${term} has no body of a known kind`,
  });
}

function memberFromProto(message: Proto.Member.$Properties): Member {
  requireKnown('a member', message);
  return {
    id: name(message.id, 'member id'),
    name: message.name ?? '',
    address: message.address ?? '',
    witness: message.witness ?? false,
  };
}

export function membershipToProto(membership: Membership): Proto.Membership.$Properties {
  const members = (list: readonly Member[]): Proto.Member.$Properties[] =>
    list.map(({ id, name, address, witness }) => ({ id, name, address, witness }));
  return {
    voters: members(membership.voters),
    learners: members(membership.learners),
    departed: members(membership.departed ?? []),
  };
}

/**
 * @throws ConsensusError CONSENSUS_RECORD_UNKNOWN    a field that this version does not know
 * @throws ConsensusError CONSENSUS_RECORD_MALFORMED  a member without an id
 */
export function membershipFromProto(message: Proto.Membership.$Properties): Membership {
  requireKnown('a membership', message);
  const departed = (message.departed ?? []).map(memberFromProto);
  return {
    voters: (message.voters ?? []).map(memberFromProto),
    learners: (message.learners ?? []).map(memberFromProto),
    ...(departed.length > 0 && { departed }),
  };
}

export function snapshotToProto(snapshot: Snapshot): Proto.Snapshot.$Properties {
  return {
    index: unsigned(snapshot.index, 'snapshot index'),
    term: unsigned(snapshot.term, 'snapshot term'),
    membership: membershipToProto(snapshot.membership),
    ...(snapshot.rules !== undefined && { rules: snapshot.rules }),
    state: snapshot.state,
  };
}

/**
 * @throws ConsensusError CONSENSUS_RECORD_UNKNOWN    a field that this version does not know
 * @throws ConsensusError CONSENSUS_RECORD_MALFORMED  no membership, or an integer that is not safe
 */
export function snapshotFromProto(message: Proto.Snapshot.$Properties): Snapshot {
  requireKnown('a snapshot', message);
  const { rules = null } = message;
  return {
    index: safeInteger(message.index, 'snapshot index'),
    term: safeInteger(message.term, 'snapshot term'),
    membership: membershipFromProto(required(message.membership, 'snapshot membership')),
    ...(rules !== null && { rules: positive(rules, 'version of the rules') }),
    state: copied(message.state),
  };
}

// --------------------------------------------------------------------- the log's own records

function hardFromProto(message: Proto.HardState.$Properties): HardState {
  const vote = message.votedFor;
  return {
    term: safeInteger(message.term, 'term'),
    votedFor: vote === null || vote === undefined ? null : name(vote, 'vote'),
  };
}

function genesisToProto(genesis: Genesis): Proto.Genesis.$Properties {
  const { clusterId, self, membership, admitted } = genesis;
  return {
    ...{ clusterId, self, membership: membershipToProto(membership) },
    ...(admitted && {
      admitted: {
        index: unsigned(admitted.index, 'index of a membership'),
        membership: membershipToProto(admitted.membership),
      },
    }),
  };
}

function genesisFromProto(message: Proto.Genesis.$Properties): Genesis {
  return {
    clusterId: name(message.clusterId, 'genesis cluster id'),
    self: name(message.self, 'genesis self'),
    membership: membershipFromProto(required(message.membership, 'genesis membership')),
    ...(message.admitted && { admitted: placedFromProto(message.admitted) }),
  };
}

function placedFromProto(message: Proto.PlacedMembership.$Properties): PlacedMembership {
  return {
    index: safeInteger(message.index, 'index of a membership'),
    membership: membershipFromProto(required(message.membership, 'admitting membership')),
  };
}

function bootFromProto(message: Proto.Boot.$Properties): Boot {
  return { boot: safeInteger(message.boot, 'boot'), runId: name(message.runId, 'run id') };
}

function markToProto(mark: PeerMark): Proto.PeerMark.$Properties {
  return {
    peer: mark.peer,
    boot: unsigned(mark.boot, 'boot of a peer'),
    runId: mark.runId,
    term: unsigned(mark.term, 'term of a peer'),
    acknowledged: unsigned(mark.acknowledged, 'acknowledged index of a peer'),
    joined: mark.joined,
  };
}

function markFromProto(message: Proto.PeerMark.$Properties): PeerMark {
  return {
    peer: name(message.peer, 'peer of a mark'),
    boot: safeInteger(message.boot, 'boot of a peer'),
    // Empty until the peer has shown a run: a mark may say no more than that it joined.
    runId: message.runId ?? '',
    term: safeInteger(message.term, 'term of a peer'),
    acknowledged: safeInteger(message.acknowledged, 'acknowledged index of a peer'),
    joined: message.joined ?? false,
  };
}

function batchToProto(batch: LogBatch): Proto.LogBatch.$Properties {
  const { hard, truncateFrom, entries, snapshot, resetLog, genesis, boot, marks } = batch;
  return {
    ...(hard && {
      hard: {
        term: unsigned(hard.term, 'term'),
        ...(hard.votedFor !== null && { votedFor: hard.votedFor }),
      },
    }),
    ...(truncateFrom !== undefined && { truncateFrom: unsigned(truncateFrom, 'truncateFrom') }),
    ...(entries && { entries: entries.map(entryToProto) }),
    ...(snapshot && { snapshot: snapshotToProto(snapshot) }),
    ...(resetLog && { resetLog }),
    ...(genesis && { genesis: genesisToProto(genesis) }),
    ...(boot && { boot: { boot: unsigned(boot.boot, 'boot'), runId: boot.runId } }),
    ...(marks && { marks: marks.map(markToProto) }),
  };
}

function batchFromProto(message: Proto.LogBatch.$Properties): LogBatch {
  const { hard, truncateFrom, snapshot, genesis, boot } = message;
  const entries = (message.entries ?? []).map(entryFromProto);
  const marks = (message.marks ?? []).map(markFromProto);
  return {
    ...(hard && { hard: hardFromProto(hard) }),
    ...(truncateFrom && { truncateFrom: safeInteger(truncateFrom, 'truncateFrom') }),
    ...(entries.length > 0 && { entries }),
    ...(snapshot && { snapshot: snapshotFromProto(snapshot) }),
    ...(message.resetLog && { resetLog: true }),
    ...(genesis && { genesis: genesisFromProto(genesis) }),
    ...(boot && { boot: bootFromProto(boot) }),
    ...(marks.length > 0 && { marks }),
  };
}

// --------------------------------------------------------------------------------- bytes

/** Each batch behind its length: what one frame of the log holds. */
export function encodeBatches(batches: readonly LogBatch[]): Uint8Array {
  const writer = Writer.create();
  for (const batch of batches) Proto.LogBatch.encode(batchToProto(batch), writer.fork()).ldelim();
  return writer.finish();
}

/**
 * @throws ConsensusError CONSENSUS_RECORD_UNKNOWN    a record, or a field of one, that this version does not know
 * @throws ConsensusError CONSENSUS_RECORD_MALFORMED  bytes that are no batches at all
 */
export function decodeBatches(bytes: Uint8Array): LogBatch[] {
  const batches = reading('a batch', () => {
    const reader = Reader.create(bytes);
    const found: LogBatch[] = [];
    while (reader.pos < reader.len) {
      found.push(batchFromProto(Proto.LogBatch.decode(reader, reader.uint32())));
    }
    return found;
  });
  // Protobuf steps over fields that it does not know. Only this encoder writes the log, so bytes that
  // it would not write again hold something that a later version meant.
  if (Buffer.compare(encodeBatches(batches), bytes) !== 0) {
    throw new ConsensusError('CONSENSUS_RECORD_UNKNOWN', {
      detail: 'a batch holds more than this program would write',
    });
  }
  return batches;
}

/** For the founding of a cluster, where the coordinator hands the genesis to the others. */
export function encodeGenesis(genesis: Genesis): Uint8Array {
  return Proto.Genesis.encode(genesisToProto(genesis)).finish();
}

/** @throws ConsensusError CONSENSUS_RECORD_MALFORMED */
export function decodeGenesis(bytes: Uint8Array): Genesis {
  return reading('a genesis', () => genesisFromProto(Proto.Genesis.decode(bytes)));
}

function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConsensusError) throw error;
    throw malformed(`${what} cannot be read: ${String(error)}`, error);
  }
}
