/**
 * The road of one signature as a step machine: state and input in, state and outputs out.
 *
 * Owns    the order of docs/architecture.md, section 2, with its numbers: 1 judge, 2 reserve, 3 mark, 4 verdict,
 *         5 sign and verify, then release. One turn at a time.
 * Never   awaits, reads a clock, holds a promise or a key. Nothing but `release` hands out a signature.
 * Rule    Released is only what is the verdict's bytes, committed, marked on this disk, and verified.
 * Proof   test/gate-step.test.ts (each input's whole list of outputs), test/gate-walk.test.ts (every interleaving).
 */
import { invariant, unreachable } from '@cometkms/invariant';
import {
  type Allowed,
  type CanonicalMessage,
  describePosition,
  type Reserve,
  type Verdict,
} from '@cometkms/sign-state';
import { SignerError } from '../errors.js';
import type { CommitProof, NotNow, RefusedRequest, SignOutcome } from '../seams.js';
import type { GateRules, Input, Moment, Output, SigningJob, Ticket } from './events.js';
import { judge, readAs, readRequest } from './judge.js';
import { proposalRetimed, refusalOf, refused, watermarkRefusal } from './refusals.js';

export type GateState =
  | { readonly phase: 'idle' }
  | Turn
  /**
   * Answered, but its mark is still being written. The next turn waits: the watermark takes one raise at a time, and
   * could release nothing before it anyway.
   */
  | { readonly phase: 'draining'; readonly ticket: Ticket }
  /** After a fatal fault, for ever. */
  | { readonly phase: 'stopped' };

export interface Turn {
  readonly phase: 'turn';
  readonly ticket: Ticket;
  readonly asked: Reserve;
  readonly message: CanonicalMessage;
  readonly extensionSignBytes: Uint8Array | null;
  readonly arrivedMs: number;
  readonly startedMs: number;
  /** 4: null until the log allowed it. */
  readonly commit: Commit | null;
  /** 3: null until the mark is on the disk. */
  readonly markMs: number | null;
  /** 5: what is being signed, or was. */
  readonly signing: Signing | null;
  readonly extension: Signing | null;
}

interface Commit {
  readonly verdict: Allowed['kind'];
  readonly signBytes: Uint8Array;
  readonly proof: CommitProof;
  readonly ms: number;
}

interface Signing {
  readonly job: SigningJob;
  readonly bytes: Uint8Array;
  readonly startedMs: number;
  readonly signature: Uint8Array | null;
  readonly signMs: number;
  /** null until it was verified. */
  readonly verifyMs: number | null;
}

export interface Stepped {
  readonly state: GateState;
  readonly outputs: readonly Output[];
}

export const idle: GateState = { phase: 'idle' };

export function step(state: GateState, at: Moment, input: Input, rules: GateRules): Stepped {
  if (input.kind === 'request') return onRequest(state, at, input, rules);
  if (state.phase === 'draining' && state.ticket === input.ticket) return onDrained(state, input);
  // A late verdict, mark or signature of an earlier turn must never serve this one.
  if (state.phase !== 'turn' || state.ticket !== input.ticket) return { state, outputs: [] };
  switch (input.kind) {
    case 'reserved': // 4
      return onReserved(state, at, input);
    case 'marked': // 3
      return onMarked(state, at, input);
    case 'markFailed': // 3
      return stop(state.ticket, input.error);
    case 'signed': // 5
      return onSigned(state, at, input);
    case 'signFailed': // 5
      return onSignFailed(state, input);
    case 'verified': // 5
      return onVerified(state, at, input);
    case 'deadline':
      return end(state, notNow('timeout', at));
    default:
      return unreachable(input);
  }
}

// ------------------------------------------------------------------------------- 1, 2 and 3

function onRequest(
  state: GateState,
  at: Moment,
  input: Extract<Input, { kind: 'request' }>,
  rules: GateRules,
): Stepped {
  const { ticket, asked, arrivedMs, deadlineMs, extensionSignBytes } = input;
  const answer = (outcome: SignOutcome, ...more: Output[]): Stepped => ({
    state,
    outputs: [{ kind: 'answer', ticket, outcome }, ...more],
  });
  if (state.phase === 'stopped') return answer(notNow('stopped', at));
  invariant(state.phase === 'idle', 'a gate takes one request at a time', { phase: state.phase });
  if (at.nowMs >= deadlineMs) return answer(notNow('timeout', at));
  const message = readRequest(input);
  if ('code' in message) return answer(message);
  if (!input.mayServe) return answer(notNow('notLeader', at));
  const judgement = judge(input, message); // 1
  if (judgement.kind === 'refused') {
    const { refusal } = judgement;
    return refusal.code === 'CONFLICT' ? answer(refusal, alarm(refusal, asked)) : answer(refusal);
  }
  const signing = rules.signsEarly ? begin('early', judgement.expected, at) : null;
  const turn: Turn = {
    phase: 'turn',
    ticket,
    asked,
    message,
    extensionSignBytes,
    arrivedMs,
    startedMs: at.nowMs,
    commit: null,
    markMs: null,
    signing,
    extension: null,
  };
  const wakeMs = Math.min(deadlineMs, at.nowMs + rules.commitTimeoutMs);
  const outputs: Output[] = [
    { kind: 'wakeAt', ticket, deadlineMs: wakeMs },
    { kind: 'reserve', ticket, asked }, // 2
    { kind: 'mark', ticket, hrs: asked.hrs, content: message.content }, // 3, only after 1
  ];
  if (signing !== null) outputs.push({ kind: 'sign', ticket, job: 'early', bytes: signing.bytes });
  return { state: turn, outputs };
}

function onMarked(turn: Turn, at: Moment, { result }: Extract<Input, { kind: 'marked' }>): Stepped {
  const marked: Turn = { ...turn, markMs: at.nowMs - turn.startedMs };
  if (result.kind === 'raised') return releaseIfDone(marked, at);
  const refusal = watermarkRefusal(result, turn.message);
  // `otherContent` has a harmless cause: a proposal of ours that was lost. Below the mark nothing should
  // come after step 1, except after such a loss too; a human should look.
  return result.reason === 'regressed'
    ? end(marked, refusal, alarm(refusal, turn.asked))
    : end(marked, refusal);
}

// ---------------------------------------------------------------------------------------- 4

function onReserved(
  turn: Turn,
  at: Moment,
  { result }: Extract<Input, { kind: 'reserved' }>,
): Stepped {
  // Not a second answer of the log, whatever the store's adapter does.
  if (turn.commit !== null) return { state: turn, outputs: [] };
  switch (result.kind) {
    case 'unknown':
      return end(turn, notNow('unknown', at));
    case 'notLeader':
      return end(turn, { kind: 'notNow', reason: 'notLeader', leader: result.leader });
    case 'committed':
      return onVerdict(turn, at, result.value, result.proof);
    default:
      return unreachable(result);
  }
}

function onVerdict(turn: Turn, at: Moment, verdict: Verdict, proof: CommitProof): Stepped {
  switch (verdict.kind) {
    case 'granted':
    case 'repeated':
    case 'retimed':
      return onAllowed(turn, at, verdict, proof);
    default: {
      const refusal = refusalOf(verdict, turn.message);
      return refusal.code === 'CONFLICT'
        ? end(turn, refusal, alarm(refusal, turn.asked))
        : end(turn, refusal);
    }
  }
}

function onAllowed(turn: Turn, at: Moment, verdict: Allowed, proof: CommitProof): Stepped {
  const { asked, ticket } = turn;
  const fault = foreignTo(turn, verdict.signBytes);
  if (fault !== null) {
    const { chainId } = asked.id;
    const facts = { chainId, position: describePosition(asked.hrs), detail: fault };
    return stop(ticket, new SignerError('SIGNER_VERDICT_FOREIGN', facts));
  }
  const sameBytes = equal(verdict.signBytes, asked.signBytes);
  if (!sameBytes && asked.hrs.step === 1) return end(turn, proposalRetimed(verdict.stored));
  const outputs: Output[] = [];
  // From here on only the verdict's bytes exist. A signature made for any others is dropped, and with it
  // its name: the result of that job will find nobody.
  let { signing } = turn;
  if (signing === null || !equal(signing.bytes, verdict.signBytes)) {
    signing = begin('verdict', verdict.signBytes, at);
    outputs.push({ kind: 'sign', ticket, job: 'verdict', bytes: signing.bytes });
  }
  // Only now: an extension is never signed for a request that is refused.
  let extension: Signing | null = null;
  if (turn.extensionSignBytes !== null) {
    extension = begin('extension', turn.extensionSignBytes, at);
    outputs.push({ kind: 'sign', ticket, job: 'extension', bytes: extension.bytes });
  }
  const commit: Commit = {
    verdict: verdict.kind,
    signBytes: verdict.signBytes,
    proof,
    ms: at.nowMs - turn.startedMs,
  };
  const released = releaseIfDone({ ...turn, commit, signing, extension }, at);
  return { state: released.state, outputs: [...outputs, ...released.outputs] };
}

/**
 * The mark on our disk was made for the request's content; a verdict over another would pass it by. The state machine
 * cannot answer so, which is why it is fatal if it does.
 */
function foreignTo({ asked, message }: Turn, signBytes: Uint8Array): string | null {
  // The very bytes that were read and judged when the turn began.
  if (equal(signBytes, asked.signBytes)) return null;
  const said = readAs(asked, signBytes);
  if (typeof said === 'string') return said;
  return equal(said.content, message.content) ? null : 'another content';
}

// ---------------------------------------------------------------------------------------- 5

function onSigned(
  turn: Turn,
  at: Moment,
  { job, signature }: Extract<Input, { kind: 'signed' }>,
): Stepped {
  const signing = signingOf(turn, job);
  if (signing === null) return { state: turn, outputs: [] };
  const { bytes, startedMs } = signing;
  const signed: Signing = { ...signing, signature, signMs: at.nowMs - startedMs };
  const { ticket } = turn;
  return {
    state: withSigning(turn, signed),
    outputs: [{ kind: 'verify', ticket, job, bytes, signature }],
  };
}

function onSignFailed(
  turn: Turn,
  { job, detail }: Extract<Input, { kind: 'signFailed' }>,
): Stepped {
  if (signingOf(turn, job) === null) return { state: turn, outputs: [] };
  const refusal = refused('BACKEND', `the key backend could not sign: ${detail}`);
  return end(turn, refusal, alarm(refusal, turn.asked));
}

function onVerified(
  turn: Turn,
  at: Moment,
  { job, good }: Extract<Input, { kind: 'verified' }>,
): Stepped {
  const signing = signingOf(turn, job);
  if (signing === null) return { state: turn, outputs: [] };
  const { asked, ticket } = turn;
  if (!good) {
    const detail = 'the own signature does not verify';
    const facts = { chainId: asked.id.chainId, position: describePosition(asked.hrs), detail };
    return stop(ticket, new SignerError('SIGNER_SIGNATURE_WRONG', facts));
  }
  const verifyMs = at.nowMs - signing.startedMs - signing.signMs;
  return releaseIfDone(withSigning(turn, { ...signing, verifyMs }), at);
}

/** null for a job that was dropped or never begun: its result means nothing. */
function signingOf(turn: Turn, job: SigningJob): Signing | null {
  const signing = job === 'extension' ? turn.extension : turn.signing;
  return signing?.job === job ? signing : null;
}

function withSigning(turn: Turn, signing: Signing): Turn {
  return signing.job === 'extension' ? { ...turn, extension: signing } : { ...turn, signing };
}

function begin(job: SigningJob, bytes: Uint8Array, at: Moment): Signing {
  return { job, bytes, startedMs: at.nowMs, signature: null, signMs: 0, verifyMs: null };
}

// ----------------------------------------------------------------------------------- release

/**
 * Whichever comes last opens the door. Leadership is not asked again: the reservation is committed, so every later
 * leader can only ever allow this same content here. The promise rests on the log alone, and a signature withheld
 * because a lease ran out would be a vote lost for nothing.
 */
function releaseIfDone(turn: Turn, at: Moment): Stepped {
  const { commit, markMs, signing, extension, ticket } = turn;
  const waiting: Stepped = { state: turn, outputs: [] };
  if (commit === null || markMs === null) return waiting;
  if (signing === null || signing.signature === null || signing.verifyMs === null) return waiting;
  if (turn.extensionSignBytes !== null) {
    if (extension === null || extension.signature === null || extension.verifyMs === null) {
      return waiting;
    }
  }
  invariant(
    equal(signing.bytes, commit.signBytes),
    'what is released is over the bytes of the verdict',
    { ticket, job: signing.job },
  );
  const outcome: SignOutcome = {
    kind: 'released',
    verdict: commit.verdict,
    signBytes: commit.signBytes,
    signature: signing.signature,
    extensionSignature: extension?.signature ?? null,
    proof: commit.proof,
    stages: {
      queue: turn.startedMs - turn.arrivedMs,
      commit: commit.ms,
      watermark: markMs,
      sign: signing.signMs,
      verify: signing.verifyMs,
      total: at.nowMs - turn.arrivedMs,
    },
  };
  return end(turn, outcome);
}

// ------------------------------------------------------------------------------------ endings

function end(turn: Turn, outcome: SignOutcome, ...more: Output[]): Stepped {
  const { ticket } = turn;
  const state: GateState = turn.markMs === null ? { phase: 'draining', ticket } : idle;
  return { state, outputs: [{ kind: 'answer', ticket, outcome }, ...more] };
}

function onDrained(state: GateState, input: Input): Stepped {
  if (input.kind === 'marked') return { state: idle, outputs: [] };
  if (input.kind !== 'markFailed') return { state, outputs: [] };
  return { state: { phase: 'stopped' }, outputs: [{ kind: 'stop', error: input.error }] };
}

/** `stop` comes first: once the process ends there, nothing else leaves. */
function stop(ticket: Ticket, error: SignerError): Stepped {
  const outcome: NotNow = { kind: 'notNow', reason: 'stopped', leader: null };
  const outputs: Output[] = [
    { kind: 'stop', error },
    { kind: 'answer', ticket, outcome },
  ];
  return { state: { phase: 'stopped' }, outputs };
}

function notNow(reason: NotNow['reason'], at: Moment): NotNow {
  return { kind: 'notNow', reason, leader: at.leader };
}

/** For a refusal that a human should look at. */
function alarm({ code, detail }: RefusedRequest, { hrs }: Reserve): Output {
  return { kind: 'alarm', alarm: { code, hrs, detail } };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
