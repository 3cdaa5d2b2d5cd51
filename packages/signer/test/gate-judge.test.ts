/** Step 1 of the gate: what is refused before it is proposed, and what is asked for when it is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extensionSignBytes, type SigningRecord } from '@cometkms/sign-state';
import { judge, readRequest } from '../src/gate/judge.js';
import { idle, step } from '../src/gate/step.js';
import type { Input } from '../src/index.js';
import { ask, here, moment, nameOf, play, reserved, rules, unsigned } from './gate-inputs.js';
import { bytesOf, hrs, id, request } from './worlds.js';

type Row = readonly [
  why: string,
  inputs: readonly Input[],
  outputs: readonly string[],
  phase: string,
];

const proposal = hrs(7, 0, 1);
const precommit = hrs(7, 0, 3);
const opening = ['wakeAt 1010', 'reserve X@0', 'mark 7/0/2', 'sign early X@0'];

const extended = { at: precommit, extended: true };
const voteAsExtension = { at: precommit, extensionSignBytes: bytesOf(precommit, 'Y') };
const extensionOfOther = (at: typeof here) =>
  request(at, 'X', 0, true).extensionSignBytes ?? undefined;
const otherExtension = (at: typeof here) => {
  const bytes = extensionOfOther(at);
  return bytes === undefined ? { at: precommit } : { at: precommit, extensionSignBytes: bytes };
};

const judged: readonly Row[] = [
  ['a new vote is reserved, marked and signed early', [ask()], opening, 'turn'],
  [
    'the deadline of the request comes before that of the turn',
    [ask({ deadlineMs: 500 })],
    ['wakeAt 500', ...opening.slice(1)],
    'turn',
  ],
  [
    'a deadline that passed: never proposed',
    [ask({ deadlineMs: 10 })],
    ['answer notNow timeout b'],
    'idle',
  ],
  ['not leading', [ask({ mayServe: false })], ['answer notNow notLeader b'], 'idle'],
  ['malformed bytes', [ask({ signBytes: Buffer.from('00', 'hex') })], ['answer MALFORMED'], 'idle'],
  [
    'bytes of another step',
    [ask({ signBytes: bytesOf(precommit, 'X') })],
    ['answer MALFORMED'],
    'idle',
  ],
  [
    'bytes of another height',
    [ask({ signBytes: bytesOf(hrs(8), 'X') })],
    ['answer MALFORMED'],
    'idle',
  ],
  [
    'bytes of another chain',
    [ask({ signBytes: bytesOf(here, 'X', 0, 'test-2') })],
    ['answer MALFORMED'],
    'idle',
  ],
  [
    'malformed comes before leadership: no other replica would take it',
    [ask({ signBytes: bytesOf(hrs(8), 'X'), mayServe: false })],
    ['answer MALFORMED'],
    'idle',
  ],
  ['an extension at a prevote', [ask({ extended: true })], ['answer MALFORMED'], 'idle'],
  ['an extension of nil', [ask({ ...extended, block: null })], ['answer MALFORMED'], 'idle'],
  ['a vote in the place of an extension', [ask(voteAsExtension)], ['answer MALFORMED'], 'idle'],
  [
    'an extension of another height',
    [ask(otherExtension(hrs(8, 0, 3)))],
    ['answer MALFORMED'],
    'idle',
  ],
  [
    'an extension of another round',
    [ask(otherExtension(hrs(7, 1, 3)))],
    ['answer MALFORMED'],
    'idle',
  ],
  [
    'no bytes in the place of an extension',
    [ask({ at: precommit, extensionSignBytes: new Uint8Array(0) })],
    ['answer MALFORMED'],
    'idle',
  ],
  [
    'a length that does not end, in the place of an extension',
    [ask({ at: precommit, extensionSignBytes: new Uint8Array(8).fill(0xff) })],
    ['answer MALFORMED'],
    'idle',
  ],
  ['unregistered', [ask({ record: undefined })], ['answer UNREGISTERED'], 'idle'],
  ['retired', [ask({ record: { ...unsigned, retired: true } })], ['answer RETIRED'], 'idle'],
  ['halted', [ask({ record: { ...unsigned, haltHeight: 7n } })], ['answer HALTED'], 'idle'],
  ['at the floor', [ask({ record: { ...unsigned, floor: here } })], ['answer REGRESSED'], 'idle'],
  ['below the last', [ask({ record: reserved('X', 0, hrs(8)) })], ['answer REGRESSED'], 'idle'],
  [
    'another content at the last, with an alarm',
    [ask({ record: reserved('Y') })],
    ['answer CONFLICT', 'alarm CONFLICT'],
    'idle',
  ],
  [
    'a leap: nothing is marked, or the watermark would be poisoned',
    [ask({ at: hrs(3_000_000), record: reserved('X') })],
    ['answer LEAP'],
    'idle',
  ],
  [
    'beyond the window of the cut-over',
    [ask({ at: hrs(20_000), record: { ...reserved('X'), cutoverArmed: true } })],
    ['answer CUTOVER'],
    'idle',
  ],
  [
    'a proposal that was reserved with another timestamp',
    [ask({ at: proposal, record: reserved('X', 1, proposal) })],
    ['answer PROPOSAL_RETIMED'],
    'idle',
  ],
  [
    'a repeat goes through the log like any other',
    [ask({ record: reserved('X') })],
    opening,
    'turn',
  ],
  [
    'a retimed vote is reserved as asked; early is signed what is stored',
    [ask({ record: reserved('X', 1) })],
    [...opening.slice(0, 3), 'sign early X@1'],
    'turn',
  ],
];

for (const [why, inputs, outputs, phase] of judged) {
  test(`judged: ${why}`, () => assert.deepEqual(play(inputs), { outputs, phase }));
}

test('a refusal tells what stands and what was asked', () => {
  const rows: readonly (readonly [asked: Input, detail: string])[] = [
    [
      ask({ record: reserved('Y'), block: null }),
      '7/0/prevote is reserved for block 595959595959 by b at 1970-01-01T00:00:00.000Z; asked for nil',
    ],
    [ask({ signBytes: bytesOf(here, 'X', 0, 'test-2') }), 'the bytes say another chain'],
    [ask({ signBytes: bytesOf(hrs(8), 'X') }), 'the bytes say 8/0/prevote'],
    [ask({ extended: true }), 'an extension belongs to a precommit for a block'],
    [ask(voteAsExtension), 'these are no sign bytes of its extension'],
  ];
  for (const [asked, detail] of rows) {
    const [first] = step(idle, moment, asked, rules).outputs;
    assert.ok(first?.kind === 'answer' && first.outcome.kind === 'refused');
    assert.equal(first.outcome.detail, detail);
  }
});

test('only what the bytes say is called malformed; a fault of ours is thrown', () => {
  const good = ask();
  const broken = { ...good, asked: { ...good.asked, signBytes: null as unknown as Uint8Array } };
  assert.throws(() => step(idle, moment, broken, rules), TypeError);
});

test('an extension of any length belongs to its vote, an empty one too', () => {
  for (const length of [0, 1, 127, 128, 300, 16_384, 20_000]) {
    const bytes = extensionSignBytes(id.chainId, 7n, 0, new Uint8Array(length).fill(0x81));
    const { phase } = play([ask({ at: precommit, extensionSignBytes: bytes })]);
    assert.equal(phase, 'turn', `${length} bytes`);
  }
});

test('what may be proposed is expected with its own bytes, or with those that are stored', () => {
  const judged = (record: SigningRecord) => {
    const asked = ask({ record });
    const message = readRequest(asked);
    assert.ok('blockId' in message);
    const { kind, ...rest } = judge(asked, message);
    return [kind, 'expected' in rest ? nameOf(rest.expected) : null];
  };
  assert.deepEqual(judged(unsigned), ['propose', 'X@0']);
  assert.deepEqual(judged(reserved('X')), ['propose', 'X@0']);
  assert.deepEqual(judged(reserved('X', 1)), ['propose', 'X@1']);
});
