/**
 * What replicas say to each other above consensus, and its bytes.
 *
 * Owns    the closed list of messages and their encoding (proto/replica-link.proto).
 * Never   decides what to do with one.
 */
import type { Hrs, Position, PublicKey, RecordId, Step } from '@cometkms/sign-state';
import type { NotNow, RefusedRequest, Released, SignOutcome, SignRequest } from '@cometkms/signer';
import Long from 'long';
import { cometkms } from '#generated/replica-link.js';
import { remoteErrorCodes } from './remote-error-codes.js';

const wire = cometkms.replica;

export interface SignAsk {
  readonly kind: 'ask';
  /** Drawn by the asker; never used twice by one member, whichever process of it asks. */
  readonly number: number;
  readonly request: SignRequest;
  /** Whose request it is, for the leader's log: the address as configured. */
  readonly validator: string;
  /** What is left of the asker's second. */
  readonly budgetMs: number;
}

export interface SignAnswer {
  readonly kind: 'answer';
  readonly number: number;
  readonly outcome: SignOutcome;
}

/** What a replica's state file said of a (key, chain) when its process started. */
export type Known =
  /** No file, or one at height 0: a node's reset writes the same one for a used key (design 4.10). */
  | { readonly kind: 'nothing' }
  /** The operator said so, on the command line of this start. */
  | { readonly kind: 'neverSigned' }
  | { readonly kind: 'position'; readonly hrs: Hrs; readonly signBytes: Uint8Array | null };

export interface ChainStatement {
  readonly id: RecordId;
  readonly known: Known;
  readonly validators: readonly string[];
}

export interface Statement {
  readonly kind: 'statement';
  readonly chains: readonly ChainStatement[];
  readonly linksHeld: readonly string[];
  /** Validators that this replica would dial or hold, and hears nothing from. */
  readonly linksSilent: readonly string[];
  /** Unix milliseconds; absent with `--insecure-raft`. For people alone. */
  readonly certificateNotAfter?: number;
}

/** Names of members: who says that the key never signed, and whose state file says otherwise. */
export interface Contradiction {
  readonly neverSigned: string;
  readonly holder: string;
  readonly position: Hrs;
}

export interface Dismissal {
  readonly kind: 'dismissal';
  readonly id: RecordId;
  readonly reason:
    | { readonly kind: 'allSilent' }
    | {
        readonly kind: 'contradiction';
        /** Null: the leader is a program that does not say it. */
        readonly between: Contradiction | null;
      }
    | { readonly kind: 'ahead'; readonly cluster: Position };
}

export type ReplicaMessage = SignAsk | SignAnswer | Statement | Dismissal;

export function encodeReplicaMessage(message: ReplicaMessage): Uint8Array {
  return wire.ReplicaMessage.encode(toWire(message)).finish();
}

function toWire(message: ReplicaMessage): cometkms.replica.ReplicaMessage.$Properties {
  switch (message.kind) {
    case 'ask':
      return {
        ask: {
          number: Long.fromNumber(message.number, true),
          id: idToWire(message.request.id),
          height: Long.fromBigInt(message.request.hrs.height),
          round: message.request.hrs.round,
          step: message.request.hrs.step,
          signBytes: message.request.signBytes,
          extensionSignBytes: message.request.extensionSignBytes,
          validator: message.validator,
          budgetMs: Math.max(0, Math.floor(message.budgetMs)),
        },
      };
    case 'answer':
      return {
        answer: {
          number: Long.fromNumber(message.number, true),
          ...outcomeToWire(message.outcome),
        },
      };
    case 'statement':
      return {
        statement: {
          chains: message.chains.map((chain) => ({
            id: idToWire(chain.id),
            validators: [...chain.validators],
            ...knownToWire(chain.known),
          })),
          linksHeld: [...message.linksHeld],
          linksSilent: [...message.linksSilent],
          certificateNotAfterMs:
            message.certificateNotAfter === undefined
              ? null
              : Long.fromNumber(message.certificateNotAfter, true),
        },
      };
    case 'dismissal':
      return {
        dismissal: {
          id: idToWire(message.id),
          ...reasonToWire(message.reason),
        },
      };
  }
}

function reasonToWire(reason: Dismissal['reason']): cometkms.replica.Dismissal.$Properties {
  switch (reason.kind) {
    case 'allSilent':
      return { allSilent: true };
    case 'contradiction': {
      if (reason.between === null) return { contradiction: true };
      const { neverSigned, holder, position } = reason.between;
      const between = { neverSigned, holder, position: positionToWire(position, null) };
      return { contradiction: true, between };
    }
    case 'ahead':
      return { ahead: positionToWire(reason.cluster, null) };
  }
}

const idToWire = (id: RecordId): cometkms.replica.RecordId.$Properties => ({
  chainId: id.chainId,
  keyType: id.key.type,
  key: id.key.bytes,
});

const positionToWire = (
  hrs: Position,
  signBytes: Uint8Array | null,
): cometkms.replica.StatePosition.$Properties => ({
  height: Long.fromBigInt(hrs.height),
  round: hrs.round,
  step: hrs.step,
  signBytes,
});

function knownToWire(known: Known): cometkms.replica.ChainStatement.$Properties {
  if (known.kind === 'nothing') return {};
  if (known.kind === 'neverSigned') return { neverSigned: true };
  return { position: positionToWire(known.hrs, known.signBytes) };
}

function outcomeToWire(outcome: SignOutcome): cometkms.replica.SignAnswer.$Properties {
  switch (outcome.kind) {
    case 'released':
      return {
        released: {
          verdict: outcome.verdict,
          signBytes: outcome.signBytes,
          signature: outcome.signature,
          extensionSignature: outcome.extensionSignature,
          term: Long.fromNumber(outcome.proof.term, true),
          index: Long.fromNumber(outcome.proof.index, true),
          commitMs: outcome.proof.commitMs,
          stages: { ...outcome.stages },
        },
      };
    case 'refused':
      return { refused: { code: outcome.code, detail: outcome.detail } };
    case 'notNow':
      return { notNow: { reason: outcome.reason } };
  }
}

/** @throws Error where the bytes are not a message of this version; the caller names the sender */
export function decodeReplicaMessage(bytes: Uint8Array): ReplicaMessage {
  const message = wire.ReplicaMessage.decode(bytes);
  if (message.ask) return askFromWire(message.ask);
  if (message.answer) return answerFromWire(message.answer);
  if (message.statement) return statementFromWire(message.statement);
  if (message.dismissal) return dismissalFromWire(message.dismissal);
  throw new Error('no body that this version knows');
}

function required<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}

function step(value: number | null | undefined): Step {
  if (value !== 1 && value !== 2 && value !== 3) throw new Error(`step ${value} is none`);
  return value;
}

function idFromWire(id: cometkms.replica.RecordId.$Properties | null | undefined): RecordId {
  const found = required(id, 'record id');
  const key: PublicKey = { type: found.keyType ?? '', bytes: Uint8Array.from(found.key ?? []) };
  return { chainId: found.chainId ?? '', key };
}

function hrsFromWire(from: {
  height?: Long | null;
  round?: number | null;
  step?: number | null;
}): Hrs {
  return {
    height: required(from.height, 'height').toBigInt(),
    round: from.round ?? 0,
    step: step(from.step),
  };
}

/** The frame's buffer is reused by the socket; what is kept must be ours. */
const copy = (bytes: Uint8Array | null | undefined): Uint8Array | null =>
  bytes === null || bytes === undefined ? null : Uint8Array.from(bytes);

function askFromWire(ask: cometkms.replica.SignAsk.$Properties): SignAsk {
  return {
    kind: 'ask',
    number: required(ask.number, 'number').toNumber(),
    request: {
      id: idFromWire(ask.id),
      hrs: hrsFromWire(ask),
      signBytes: required(copy(ask.signBytes), 'sign bytes'),
      extensionSignBytes: copy(ask.extensionSignBytes),
    },
    validator: ask.validator ?? '',
    budgetMs: ask.budgetMs ?? 0,
  };
}

const verdicts = new Set<string>(['granted', 'repeated', 'retimed']);
const refusals = new Set<string>(Object.keys(remoteErrorCodes));
const reasons = new Set<string>(['notLeader', 'unknown', 'timeout', 'busy', 'stopped']);

function answerFromWire(answer: cometkms.replica.SignAnswer.$Properties): SignAnswer {
  const number = required(answer.number, 'number').toNumber();
  if (answer.released)
    return { kind: 'answer', number, outcome: releasedFromWire(answer.released) };
  if (answer.refused) {
    const code = oneOf<RefusedRequest['code']>(refusals, answer.refused.code, 'code');
    const detail = answer.refused.detail ?? '';
    return { kind: 'answer', number, outcome: { kind: 'refused', code, detail } };
  }
  const said = required(answer.notNow, 'outcome').reason;
  const reason = oneOf<NotNow['reason']>(reasons, said, 'reason');
  return { kind: 'answer', number, outcome: { kind: 'notNow', reason, leader: null } };
}

/** What a later version may add would have no place in our tables. */
function oneOf<T extends string>(
  known: ReadonlySet<string>,
  value: string | null | undefined,
  what: string,
): T {
  if (typeof value !== 'string' || !known.has(value)) throw new Error(`${what} ${value} is none`);
  return value as T;
}

function releasedFromWire(from: cometkms.replica.Released.$Properties): Released {
  if (!verdicts.has(from.verdict ?? '')) throw new Error(`verdict ${from.verdict} allows nothing`);
  return {
    kind: 'released',
    verdict: from.verdict as Released['verdict'],
    signBytes: required(copy(from.signBytes), 'sign bytes'),
    signature: required(copy(from.signature), 'signature'),
    extensionSignature: copy(from.extensionSignature),
    proof: {
      term: required(from.term, 'term').toNumber(),
      index: required(from.index, 'index').toNumber(),
      commitMs: from.commitMs ?? 0,
    },
    stages: stagesFromWire(from.stages ?? {}),
  };
}

function stagesFromWire(from: Record<string, number>): Released['stages'] {
  const { queue = 0, commit = 0, watermark = 0, sign = 0, verify = 0, total = 0 } = from;
  return { queue, commit, watermark, sign, verify, total };
}

function statementFromWire(from: cometkms.replica.Statement.$Properties): Statement {
  const notAfter = from.certificateNotAfterMs?.toNumber();
  return {
    kind: 'statement',
    ...(notAfter === undefined ? {} : { certificateNotAfter: notAfter }),
    linksHeld: [...(from.linksHeld ?? [])],
    linksSilent: [...(from.linksSilent ?? [])],
    chains: (from.chains ?? []).map((chain) => ({
      id: idFromWire(chain.id),
      validators: [...(chain.validators ?? [])],
      known: knownFromWire(chain),
    })),
  };
}

function knownFromWire(chain: cometkms.replica.ChainStatement.$Properties): Known {
  if (chain.position) {
    const signBytes = copy(chain.position.signBytes);
    return { kind: 'position', hrs: hrsFromWire(chain.position), signBytes };
  }
  return chain.neverSigned ? { kind: 'neverSigned' } : { kind: 'nothing' };
}

function dismissalFromWire(from: cometkms.replica.Dismissal.$Properties): Dismissal {
  const id = idFromWire(from.id);
  if (from.ahead) {
    const { height, round, step: last } = from.ahead;
    const cluster: Position = {
      height: required(height, 'height').toBigInt(),
      round: round ?? 0,
      step: last === 0 || last === undefined || last === null ? 0 : step(last),
    };
    return { kind: 'dismissal', id, reason: { kind: 'ahead', cluster } };
  }
  if (from.allSilent) return { kind: 'dismissal', id, reason: { kind: 'allSilent' } };
  const between = from.between ? contradictionFromWire(from.between) : null;
  return { kind: 'dismissal', id, reason: { kind: 'contradiction', between } };
}

function contradictionFromWire(from: cometkms.replica.Contradiction.$Properties): Contradiction {
  return {
    neverSigned: from.neverSigned ?? '',
    holder: from.holder ?? '',
    position: hrsFromWire(required(from.position, 'position')),
  };
}
