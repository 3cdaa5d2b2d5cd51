/**
 * Frames between replicas, as bytes.
 *
 * Owns    the only place where wire messages become our types and back.
 * Never   judges what a message claims; a frame that is not exactly understood is malformed.
 * Rule    proto/consensus.proto, Frame. Integers above 2^53 - 1 are malformed: ours are safe integers.
 * Proof   test/wire-codec.test.ts (round trip of every kind; any bytes give a frame or a typed error).
 */
import { unreachable } from '@cometkms/invariant';
import type Long from 'long';
import { cometkms } from '#generated/consensus.js';
import type { Message } from './core/types.js';
import { ConsensusError } from './errors.js';
import {
  entryFromProto,
  entryToProto,
  positive,
  readerOf,
  required,
  safeInteger,
  snapshotFromProto,
  snapshotToProto,
  unsigned,
} from './log-codec.js';
import type { Hello, LinkFrame, Refusal, RefusalCode, UnknownRecord } from './transport.js';

import Proto = cometkms.consensus;

/** What a link says: the frames of its users, and its own. */
export type WireFrame =
  | LinkFrame
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'keepAlive' };

export interface ReceivedFrame {
  readonly clusterId: string;
  readonly frame: WireFrame | UnknownRecord;
}

/** @throws nothing: what we send is ours */
export function encodeFrame(clusterId: string, frame: WireFrame): Uint8Array {
  return Proto.Frame.encode({ clusterId, ...toBody(frame) }).finish();
}

/** @throws ConsensusError CONSENSUS_FRAME_MALFORMED */
export function decodeFrame(bytes: Uint8Array): ReceivedFrame {
  try {
    const decoded = Proto.Frame.decode(readerOf(bytes));
    return { clusterId: decoded.clusterId, frame: understood(decoded) };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new ConsensusError('CONSENSUS_FRAME_MALFORMED', { detail }, { cause });
  }
}

/** What a hello holds besides is for later versions; of entries and snapshots nothing may be lost. */
function understood(decoded: Proto.Frame): ReceivedFrame['frame'] {
  try {
    return fromBody(decoded);
  } catch (error) {
    if (!(error instanceof ConsensusError) || error.code !== 'CONSENSUS_RECORD_UNKNOWN')
      throw error;
    return { kind: 'unknownRecord', detail: error.message };
  }
}

function toBody(frame: WireFrame): Proto.Frame.$Properties {
  switch (frame.kind) {
    case 'raft':
      return { ...messageToBody(frame.message), holds: unsigned(frame.holds, 'holds') };
    case 'hello':
      return { hello: helloToProto(frame.hello) };
    case 'found':
      return { found: frame.genesis };
    case 'application':
      return { application: frame.payload };
    case 'accepted':
      return { accepted: {} };
    case 'refused':
      return { refused: { ...frame.refusal } };
    case 'keepAlive':
      return { keepAlive: {} };
    default:
      return unreachable(frame);
  }
}

function messageToBody(message: Message): Proto.Frame.$Properties {
  const term = unsigned(message.term, 'term');
  switch (message.kind) {
    case 'preVote':
      return { preVote: { term, ...lastOf(message) } };
    case 'preVoteReply':
      return { preVoteReply: { term, granted: message.granted } };
    case 'vote':
      return { vote: { term, ...lastOf(message), transfer: message.transfer } };
    case 'voteReply':
      return { voteReply: { term, granted: message.granted } };
    case 'append':
      return {
        append: {
          term,
          prevIndex: unsigned(message.prevIndex, 'prevIndex'),
          prevTerm: unsigned(message.prevTerm, 'prevTerm'),
          entries: message.entries.map(entryToProto),
          commit: unsigned(message.commit, 'commit'),
          round: unsigned(message.round, 'round'),
        },
      };
    case 'appendReply':
      return {
        appendReply: {
          term,
          round: unsigned(message.round, 'round'),
          match: unsigned(message.match, 'match'),
          refused: message.refused,
          hintIndex: unsigned(message.hintIndex, 'hintIndex'),
          hintTerm: unsigned(message.hintTerm, 'hintTerm'),
        },
      };
    case 'installSnapshot':
      return {
        installSnapshot: {
          term,
          snapshot: snapshotToProto(message.snapshot),
          round: unsigned(message.round, 'round'),
        },
      };
    case 'timeoutNow':
      return { timeoutNow: { term, lastIndex: unsigned(message.lastIndex, 'lastIndex') } };
    default:
      return unreachable(message);
  }
}

function lastOf(message: { lastIndex: number; lastTerm: number }) {
  return {
    lastIndex: unsigned(message.lastIndex, 'lastIndex'),
    lastTerm: unsigned(message.lastTerm, 'lastTerm'),
  };
}

function helloToProto(hello: Hello): Proto.Hello.$Properties {
  const { rules, ...said } = hello;
  return {
    ...said,
    oldestRules: rules.oldest,
    newestRules: rules.newest,
    boot: unsigned(hello.boot, 'boot'),
    term: unsigned(hello.term, 'term'),
    lastIndex: unsigned(hello.lastIndex, 'lastIndex'),
    commitIndex: unsigned(hello.commitIndex, 'commitIndex'),
  };
}

function fromBody(decoded: Proto.Frame): WireFrame {
  if (decoded.hello) return { kind: 'hello', hello: helloFromProto(decoded.hello) };
  if (decoded.refused) return { kind: 'refused', refusal: refusalFromProto(decoded.refused) };
  if (decoded.found) return { kind: 'found', genesis: decoded.found };
  if (decoded.application) return { kind: 'application', payload: decoded.application };
  if (decoded.accepted) return { kind: 'accepted' };
  if (decoded.keepAlive) return { kind: 'keepAlive' };
  const holds = safeInteger(decoded.holds, 'holds');
  return { kind: 'raft', message: messageFromBody(decoded), holds };
}

function messageFromBody(decoded: Proto.Frame): Message {
  const { preVote, preVoteReply, vote, voteReply, appendReply, timeoutNow } = decoded;
  if (decoded.append) return appendFromProto(decoded.append);
  if (appendReply) {
    return {
      kind: 'appendReply',
      term: safeInteger(appendReply.term, 'term'),
      round: safeInteger(appendReply.round, 'round'),
      match: safeInteger(appendReply.match, 'match'),
      refused: appendReply.refused ?? false,
      hintIndex: safeInteger(appendReply.hintIndex, 'hintIndex'),
      hintTerm: safeInteger(appendReply.hintTerm, 'hintTerm'),
    };
  }
  if (preVote)
    return { kind: 'preVote', term: safeInteger(preVote.term, 'term'), ...lastFrom(preVote) };
  if (preVoteReply) {
    const granted = preVoteReply.granted ?? false;
    return { kind: 'preVoteReply', term: safeInteger(preVoteReply.term, 'term'), granted };
  }
  if (vote) {
    const transfer = vote.transfer ?? false;
    return { kind: 'vote', term: safeInteger(vote.term, 'term'), ...lastFrom(vote), transfer };
  }
  if (voteReply) {
    const granted = voteReply.granted ?? false;
    return { kind: 'voteReply', term: safeInteger(voteReply.term, 'term'), granted };
  }
  if (decoded.installSnapshot) {
    const { term, snapshot, round } = decoded.installSnapshot;
    return {
      kind: 'installSnapshot',
      term: safeInteger(term, 'term'),
      snapshot: snapshotFromProto(required(snapshot, 'snapshot')),
      round: safeInteger(round, 'round'),
    };
  }
  if (timeoutNow) {
    const lastIndex = safeInteger(timeoutNow.lastIndex, 'lastIndex');
    return { kind: 'timeoutNow', term: safeInteger(timeoutNow.term, 'term'), lastIndex };
  }
  // Of a later version, or nothing at all: guessing is not an option.
  throw new ConsensusError('CONSENSUS_FRAME_MALFORMED', { detail: 'its kind is unknown here' });
}

function appendFromProto(append: Proto.Append.$Properties): Message {
  return {
    kind: 'append',
    term: safeInteger(append.term, 'term'),
    prevIndex: safeInteger(append.prevIndex, 'prevIndex'),
    prevTerm: safeInteger(append.prevTerm, 'prevTerm'),
    entries: (append.entries ?? []).map(entryFromProto),
    commit: safeInteger(append.commit, 'commit'),
    round: safeInteger(append.round, 'round'),
  };
}

function lastFrom(m: { lastIndex?: Long | null; lastTerm?: Long | null }) {
  return {
    lastIndex: safeInteger(m.lastIndex, 'lastIndex'),
    lastTerm: safeInteger(m.lastTerm, 'lastTerm'),
  };
}

function helloFromProto(hello: Proto.Hello.$Properties): Hello {
  return {
    clusterId: hello.clusterId ?? '',
    from: hello.from ?? '',
    name: hello.name ?? '',
    version: hello.version ?? '',
    boot: safeInteger(hello.boot, 'boot'),
    runId: hello.runId ?? '',
    term: safeInteger(hello.term, 'term'),
    lastIndex: safeInteger(hello.lastIndex, 'lastIndex'),
    commitIndex: safeInteger(hello.commitIndex, 'commitIndex'),
    joined: hello.joined ?? false,
    emptyLog: hello.emptyLog ?? false,
    membersDigest: hello.membersDigest ?? '',
    configDigest: hello.configDigest ?? '',
    rules: {
      oldest: positive(hello.oldestRules, 'oldest rules'),
      newest: positive(hello.newestRules, 'newest rules'),
    },
  };
}

const refusalCodes: ReadonlySet<string> = new Set<RefusalCode>([
  'rolledBack',
  'cloned',
  'wiped',
  'emptyVoter',
  'alive',
  'removed',
  'foundedWithout',
  'notMember',
  'nameDiffers',
  'clusterDiffers',
  'self',
]);

function refusalFromProto(refusal: Proto.Refusal.$Properties): Refusal {
  const code = refusal.code ?? '';
  const known = (text: string): text is RefusalCode => refusalCodes.has(text);
  return { code: known(code) ? code : 'other', detail: (refusal.detail ?? '').slice(0, 500) };
}
