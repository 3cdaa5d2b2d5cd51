/**
 * Every interleaving of two requests with whatever store, disk, key, clock and power may do, in a small world.
 *
 * Owns    a world that may do anything at any time, and a monitor that shares no code with the machine.
 * Rule    Nothing leaves that is not the verdict's bytes, committed, marked and verified; one answer for each
 *         request; an extension is not signed before its verdict; no world ends with a turn that nobody can free.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Hrs } from '@cometkms/sign-state';
import type { GateRules, Input, Output } from '../src/gate/events.js';
import { type GateState, idle, step } from '../src/gate/step.js';
import { SignerError } from '../src/index.js';
import { allowed, ask, moment, verdict } from './gate-inputs.js';
import { bytesOf, hrs } from './worlds.js';

type Request = Extract<Input, { kind: 'request' }>;

interface World {
  readonly gate: GateState;
  /** Requests that did not yet get a turn. */
  readonly queue: readonly Request[];
  /** What the machine asked for and the world did not yet answer. */
  readonly pending: readonly Output[];
  readonly monitor: Monitor;
}

/** What truly happened, by ticket: the facts that a release needs. */
interface Monitor {
  readonly committed: Readonly<Record<number, string>>;
  readonly marked: readonly number[];
  readonly verified: readonly string[];
  readonly answered: readonly number[];
  readonly crashed: boolean;
  readonly stopped: boolean;
}

interface Scenario {
  readonly at: Hrs;
  readonly extended: boolean;
  readonly rules: GateRules;
  /** Which answers this world gives: with extensions, all of them take minutes. */
  readonly gives: (input: Input) => boolean;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** A toy scheme: a signature is a digest of the bytes that it is over. */
const toySignature = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest().subarray(0, 4));
const isOver = (bytes: Uint8Array, signature: Uint8Array): boolean =>
  hex(toySignature(bytes)) === hex(signature);
const wrongSignature = new Uint8Array(4);

function askedOf(scenario: Scenario): readonly Request[] {
  const { at, extended } = scenario;
  return [
    ask({ ticket: 1, at, block: 'X', extended }),
    ask({ ticket: 2, at, block: 'Y', extended }),
  ];
}

/** All that the world of this scenario may answer to one output. */
function answersTo(output: Output, { at, gives }: Scenario): readonly Input[] {
  return allAnswersTo(output, at).filter(gives);
}

function allAnswersTo(output: Output, at: Hrs): readonly Input[] {
  switch (output.kind) {
    case 'wakeAt':
      return [{ kind: 'deadline', ticket: output.ticket }];
    case 'reserve':
      return verdictsFor(output, at);
    case 'mark': {
      const { ticket } = output;
      const error = new SignerError('SIGNER_WATERMARK_FAILED', { path: 'p', detail: 'EIO' });
      return [
        { kind: 'marked', ticket, result: { kind: 'raised', syncMs: 1 } },
        { kind: 'marked', ticket, result: { kind: 'refused', reason: 'otherContent', at } },
        { kind: 'marked', ticket, result: { kind: 'refused', reason: 'regressed', at } },
        { kind: 'markFailed', ticket, error },
      ];
    }
    case 'sign': {
      const { ticket, job, bytes } = output;
      return [
        { kind: 'signed', ticket, job, signature: toySignature(bytes) },
        { kind: 'signed', ticket, job, signature: wrongSignature },
        { kind: 'signFailed', ticket, job, detail: 'gone' },
      ];
    }
    case 'verify': {
      const { ticket, job, bytes, signature } = output;
      return [{ kind: 'verified', ticket, job, good: isOver(bytes, signature) }];
    }
    default:
      return [];
  }
}

function verdictsFor(
  { ticket, asked }: Extract<Output, { kind: 'reserve' }>,
  at: Hrs,
): readonly Input[] {
  const block = ticket === 1 ? 'X' : 'Y';
  const stored = { hrs: at, signBytes: bytesOf(at, 'Z'), by: 'b', at: 0 };
  return [
    allowed('granted', asked.signBytes, ticket, at),
    allowed('repeated', asked.signBytes, ticket, at),
    allowed('retimed', bytesOf(at, block, 1), ticket, at),
    // What no right store says: the second gates must hold without it.
    allowed('granted', bytesOf(at, 'Z'), ticket, at),
    verdict({ kind: 'conflict', stored }, ticket),
    { kind: 'reserved', ticket, result: { kind: 'unknown', detail: 'd' } },
    { kind: 'reserved', ticket, result: { kind: 'notLeader', leader: 'c' } },
  ];
}

// ------------------------------------------------------------------------------- the monitor

/** Notes what an input truly means, before the machine hears of it. */
function note(monitor: Monitor, input: Input, output: Output): Monitor {
  // What comes after the answer can serve no release of this request: worlds that differ in it are one.
  if (input.kind === 'request' || monitor.answered.includes(input.ticket)) return monitor;
  if (input.kind === 'reserved' && input.result.kind === 'committed') {
    const { value } = input.result;
    if (!('signBytes' in value)) return monitor;
    return {
      ...monitor,
      committed: { ...monitor.committed, [input.ticket]: hex(value.signBytes) },
    };
  }
  if (input.kind === 'marked' && input.result.kind === 'raised') {
    return { ...monitor, marked: [...monitor.marked, input.ticket].sort() };
  }
  if (input.kind === 'verified' && input.good && output.kind === 'verify') {
    const fact = `${input.ticket} ${hex(output.signature)}`;
    return { ...monitor, verified: [...new Set([...monitor.verified, fact])].sort() };
  }
  return monitor;
}

/** Checks what leaves against the facts. */
function check(
  before: World,
  monitor: Monitor,
  outputs: readonly Output[],
  { at }: Scenario,
  seen: Seen,
): Monitor {
  let after = monitor;
  for (const output of outputs) {
    if (output.kind === 'stop') after = { ...after, stopped: true };
    if (output.kind === 'mark') {
      const marking = before.pending.some((other) => other.kind === 'mark');
      assert.ok(!marking, 'two marks in flight');
    }
    if (output.kind === 'sign') {
      const allowedBytes = after.committed[output.ticket];
      if (output.job !== 'early')
        assert.ok(allowedBytes, `signed ${output.job} before the verdict`);
      if (output.job === 'verdict') assert.equal(hex(output.bytes), allowedBytes);
    }
    if (output.kind !== 'answer') continue;
    const { ticket, outcome } = output;
    assert.ok(!after.answered.includes(ticket), `request ${ticket} was answered twice`);
    after = { ...after, answered: [...after.answered, ticket].sort() };
    seen.add(outcome.kind === 'released' ? outcome.verdict : outcome.kind);
    if (outcome.kind !== 'released') continue;
    assert.ok(!after.stopped, 'released after a fatal fault');
    assert.equal(hex(outcome.signBytes), after.committed[ticket], 'not the bytes of the verdict');
    const wanted = [0, 1].map((seconds) => bytesOf(at, ticket === 1 ? 'X' : 'Y', seconds));
    assert.ok(wanted.map(hex).includes(hex(outcome.signBytes)), 'another content than was marked');
    assert.ok(after.marked.includes(ticket), 'released before the mark was synced');
    const { signature, extensionSignature } = outcome;
    assert.ok(isOver(outcome.signBytes, signature), 'a signature over other bytes');
    for (const each of extensionSignature === null
      ? [signature]
      : [signature, extensionSignature]) {
      assert.ok(after.verified.includes(`${ticket} ${hex(each)}`), 'released without verification');
    }
  }
  return after;
}

// ---------------------------------------------------------------------------------- the walk

type Seen = Set<string>;

function feed(
  world: World,
  input: Input,
  pending: readonly Output[],
  monitor: Monitor,
  scenario: Scenario,
  seen: Seen,
): World {
  const { state, outputs } = step(world.gate, moment, input, scenario.rules);
  const noted = check(world, monitor, outputs, scenario, seen);
  const kept = outputs.filter((output) => answersTo(output, scenario).length > 0);
  return { gate: state, queue: world.queue, pending: [...pending, ...kept], monitor: noted };
}

function* successors(world: World, scenario: Scenario, seen: Seen): Generator<World> {
  const { gate, queue, pending, monitor } = world;
  const [next, ...rest] = queue;
  if (next !== undefined && (gate.phase === 'idle' || gate.phase === 'stopped')) {
    yield feed({ ...world, queue: rest }, next, pending, monitor, scenario, seen);
  }
  for (const [i, output] of pending.entries()) {
    const others = pending.filter((_, j) => j !== i);
    for (const input of answersTo(output, scenario)) {
      yield feed(world, input, others, note(monitor, input, output), scenario, seen);
    }
  }
  if (!monitor.crashed) {
    // A kill: memory and all that was under way are gone. Once is enough: the machine starts from nothing again.
    yield {
      gate: idle,
      queue,
      pending: [],
      monitor: { ...monitor, crashed: true, stopped: false },
    };
  }
}

/** The order of what is pending does not matter, nor the facts of requests that were answered. */
function keyOf({ gate, queue, pending, monitor }: World): string {
  const { answered, committed, marked, verified, ...flags } = monitor;
  const open = [1, 2].filter((ticket) => !answered.includes(ticket));
  const facts = open.map((ticket) => [
    committed[ticket],
    marked.includes(ticket),
    verified.filter((fact) => fact.startsWith(`${ticket} `)),
  ]);
  const waiting = pending.map(textOf).sort();
  return [textOf(gate), queue.length, ...waiting, textOf(facts), textOf(flags), answered].join('|');
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (key, value) => {
    // The same for every turn of one ticket.
    if (['asked', 'message', 'extensionSignBytes', 'error', 'hrs', 'content'].includes(key))
      return 0;
    return value instanceof Uint8Array ? hex(toySignature(value)) : value;
  });
}

function walk(scenario: Scenario): { worlds: number; seen: Seen } {
  const seen: Seen = new Set();
  const monitor: Monitor = {
    committed: {},
    marked: [],
    verified: [],
    answered: [],
    crashed: false,
    stopped: false,
  };
  const start: World = { gate: idle, queue: askedOf(scenario), pending: [], monitor };
  const known = new Set([keyOf(start)]);
  const stack = [start];
  for (let world = stack.pop(); world !== undefined; world = stack.pop()) {
    let ends = true;
    for (const successor of successors(world, scenario, seen)) {
      ends &&= successor.monitor.crashed && !world.monitor.crashed;
      const key = keyOf(successor);
      if (known.has(key)) continue;
      known.add(key);
      stack.push(successor);
    }
    if (!ends) continue;
    assert.ok(world.gate.phase === 'idle' || world.gate.phase === 'stopped', 'a turn nobody frees');
    assert.equal(world.queue.length, 0);
    if (!world.monitor.crashed) assert.deepEqual(world.monitor.answered, [1, 2]);
  }
  return { worlds: known.size, seen };
}

const early: GateRules = { commitTimeoutMs: 1000, signsEarly: true };
const late: GateRules = { commitTimeoutMs: 1000, signsEarly: false };
const anything = (): boolean => true;
/** Repeats, conflicts and unknown outcomes, marks that are written, right and wrong signatures. */
const fewer = (input: Input): boolean => {
  switch (input.kind) {
    case 'reserved':
      return (
        input.result.kind === 'unknown' ||
        (input.result.kind === 'committed' &&
          (input.result.value.kind === 'repeated' || input.result.value.kind === 'conflict'))
      );
    case 'marked':
      return input.result.kind === 'raised';
    case 'signFailed':
      return false;
    default:
      return true;
  }
};

const everything = ['granted', 'notNow', 'refused', 'repeated', 'retimed'];
const rows: readonly (readonly [string, Scenario, readonly string[]])[] = [
  [
    'two prevotes, signed early',
    { at: hrs(7), extended: false, rules: early, gives: anything },
    everything,
  ],
  [
    'two prevotes, signed late',
    { at: hrs(7), extended: false, rules: late, gives: anything },
    everything,
  ],
  [
    'two proposals',
    { at: hrs(7, 0, 1), extended: false, rules: early, gives: anything },
    ['granted', 'notNow', 'refused', 'repeated'],
  ],
  [
    'two precommits with extensions',
    { at: hrs(7, 0, 3), extended: true, rules: early, gives: fewer },
    ['notNow', 'refused', 'repeated'],
  ],
];
for (const [why, scenario, outcomes] of rows) {
  test(`every interleaving of ${why}`, (t) => {
    const { worlds, seen } = walk(scenario);
    t.diagnostic(`${worlds} worlds`);
    assert.ok(worlds > 1000, 'a walk that short proves nothing');
    assert.deepEqual([...seen].sort(), outcomes, 'each kind of outcome was reached');
  });
}
