/**
 * The step machine's inputs by name, and its outputs as short text.
 *
 * Owns    the notation of the tables: `X@0` is block X with timestamp 0, at 7/0/prevote unless said otherwise.
 * Never   asserts anything, and never runs the machine.
 */
import type { Hrs, SigningRecord, Verdict } from '@cometkms/sign-state';
import type { GateRules, Input, Moment, Output, SigningJob } from '../src/gate/events.js';
import { idle, step } from '../src/gate/step.js';
import type { SignOutcome } from '../src/index.js';
import { SignerError } from '../src/index.js';
import { bytesOf, hrs, id, limits, request } from './worlds.js';

export const here: Hrs = hrs(7);
export const moment: Moment = { nowMs: 10, leader: 'b' };
export const rules: GateRules = { commitTimeoutMs: 1000, signsEarly: true };
export const proof = { term: 1, index: 1, commitMs: 0 };
export const unsigned: SigningRecord = {
  id,
  last: null,
  floor: null,
  haltHeight: null,
  limits,
  cutoverArmed: false,
  neverSigned: true,
  retired: false,
};

interface Asking {
  readonly at?: Hrs;
  readonly block?: string | null;
  readonly seconds?: number;
  readonly extended?: boolean;
  readonly record?: SigningRecord | undefined;
  readonly mayServe?: boolean;
  readonly deadlineMs?: number;
  readonly ticket?: number;
  readonly signBytes?: Uint8Array;
  readonly extensionSignBytes?: Uint8Array;
}

type Request = Extract<Input, { kind: 'request' }>;

export function ask(asking: Asking = {}): Request {
  const { at = here, block = 'X', seconds = 0, extended = false } = asking;
  const made = request(at, block, seconds, extended);
  const signBytes = asking.signBytes ?? made.signBytes;
  return {
    kind: 'request',
    ticket: asking.ticket ?? 1,
    asked: { kind: 'reserve', id, hrs: at, signBytes, by: 'a', at: 0 },
    extensionSignBytes: asking.extensionSignBytes ?? made.extensionSignBytes,
    arrivedMs: 4,
    deadlineMs: asking.deadlineMs ?? 5000,
    mayServe: asking.mayServe ?? true,
    record: 'record' in asking ? asking.record : unsigned,
  };
}

/** The record after `bytesOf(at, block, seconds)` was granted. */
export function reserved(block: string | null, seconds = 0, at: Hrs = here): SigningRecord {
  const last = { hrs: at, signBytes: bytesOf(at, block, seconds), by: 'b', at: 0 };
  return { ...unsigned, last, neverSigned: true };
}

/** @param bytes what the verdict carries; by default the request's own */
export function allowed(
  kind: 'granted' | 'repeated' | 'retimed',
  bytes: Uint8Array = bytesOf(here, 'X'),
  ticket = 1,
  at: Hrs = here,
): Input {
  const stored = { hrs: at, signBytes: bytes, by: 'b', at: 0 };
  return verdict({ kind, signBytes: bytes, stored }, ticket);
}

export function verdict(value: Verdict, ticket = 1): Input {
  return { kind: 'reserved', ticket, result: { kind: 'committed', value, proof } };
}

export const raised: Input = { kind: 'marked', ticket: 1, result: { kind: 'raised', syncMs: 1 } };
export const unknown: Input = {
  kind: 'reserved',
  ticket: 1,
  result: { kind: 'unknown', detail: 'd' },
};
export const notLeader: Input = {
  kind: 'reserved',
  ticket: 1,
  result: { kind: 'notLeader', leader: 'c' },
};
export const deadline: Input = { kind: 'deadline', ticket: 1 };
export const markFailed: Input = {
  kind: 'markFailed',
  ticket: 1,
  error: new SignerError('SIGNER_WATERMARK_FAILED', { path: 'p', detail: 'EIO' }),
};

export function markRefused(reason: 'regressed' | 'otherContent'): Input {
  return { kind: 'marked', ticket: 1, result: { kind: 'refused', reason, at: hrs(8) } };
}

export function signed(job: SigningJob, ticket = 1): Input {
  return { kind: 'signed', ticket, job, signature: Buffer.from(`by ${job}`) };
}

export function signFailed(job: SigningJob): Input {
  return { kind: 'signFailed', ticket: 1, job, detail: 'gone' };
}

export function verified(job: SigningJob, good = true, ticket = 1): Input {
  return { kind: 'verified', ticket, job, good };
}

/** Steps from idle; the state at the end, and what the last input gave. */
export function play(
  inputs: readonly Input[],
  by: GateRules = rules,
): { phase: string; outputs: readonly string[] } {
  let stepped = { state: idle, outputs: [] as readonly Output[] };
  for (const input of inputs) stepped = step(stepped.state, moment, input, by);
  return { phase: stepped.state.phase, outputs: stepped.outputs.map(show) };
}

const names = new Map<string, string>();
for (const at of [here, hrs(7, 0, 1), hrs(7, 0, 3)]) {
  for (const block of ['X', 'Y', null]) {
    for (const seconds of [0, 1]) {
      const name = `${block ?? 'nil'}@${seconds}`;
      names.set(Buffer.from(bytesOf(at, block, seconds)).toString('hex'), name);
    }
    const extension = request(at, block, 0, true).extensionSignBytes ?? new Uint8Array(0);
    names.set(Buffer.from(extension).toString('hex'), 'ext');
  }
}

export function nameOf(bytes: Uint8Array): string {
  return names.get(Buffer.from(bytes).toString('hex')) ?? 'unnamed';
}

function show(output: Output): string {
  switch (output.kind) {
    case 'wakeAt':
      return `wakeAt ${output.deadlineMs}`;
    case 'reserve':
      return `reserve ${nameOf(output.asked.signBytes)}`;
    case 'mark':
      return `mark ${output.hrs.height}/${output.hrs.round}/${output.hrs.step}`;
    case 'sign':
      return `sign ${output.job} ${nameOf(output.bytes)}`;
    case 'verify':
      return `verify ${output.job} ${nameOf(output.bytes)} ${Buffer.from(output.signature)}`;
    case 'answer':
      return `answer ${showOutcome(output.outcome)}`;
    case 'alarm':
      return `alarm ${output.alarm.code}`;
    case 'stop':
      return `stop ${output.error.code}`;
    default:
      return output satisfies never;
  }
}

function showOutcome(outcome: SignOutcome): string {
  if (outcome.kind === 'refused') return outcome.code;
  if (outcome.kind === 'notNow') return `notNow ${outcome.reason} ${outcome.leader}`;
  const extension = outcome.extensionSignature;
  return [
    'released',
    outcome.verdict,
    nameOf(outcome.signBytes),
    Buffer.from(outcome.signature),
    ...(extension === null ? [] : ['with', Buffer.from(extension)]),
  ].join(' ');
}
