/** The step machine from the reservation on: for each input the whole list of outputs, so that one too many fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantViolation, onViolation } from '@cometkms/invariant';
import type { Refused } from '@cometkms/sign-state';
import { idle, step } from '../src/gate/step.js';
import type { Input } from '../src/index.js';
import {
  allowed,
  ask,
  deadline,
  here,
  markFailed,
  markRefused,
  moment,
  notLeader,
  play,
  raised,
  rules,
  signed,
  signFailed,
  unknown,
  verdict,
  verified,
} from './gate-inputs.js';
import { bytesOf, hrs, id } from './worlds.js';

type Row = readonly [
  why: string,
  inputs: readonly Input[],
  outputs: readonly string[],
  phase: string,
];

const proposal = hrs(7, 0, 1);
const precommit = hrs(7, 0, 3);
const extended = { at: precommit, extended: true };
const stored = { hrs: here, signBytes: bytesOf(here, 'Y'), by: 'b', at: 0 };

// --------------------------------------------------------------- 2 to 5, in the usual order

const happy = [ask(), raised, signed('early'), verified('early')];
const road: readonly Row[] = [
  ['the mark alone releases nothing', [ask(), raised], [], 'turn'],
  [
    'an early signature is verified at once',
    [ask(), signed('early')],
    ['verify early X@0 by early'],
    'turn',
  ],
  ['marked, signed and verified, but not committed', happy, [], 'turn'],
  [
    'committed, marked, signed, but not verified',
    [ask(), raised, allowed('granted'), signed('early')],
    ['verify early X@0 by early'],
    'turn',
  ],
  [
    'marked, signed and committed, but not verified: the verdict comes last',
    [ask(), raised, signed('early'), allowed('granted')],
    [],
    'turn',
  ],
  [
    'a verification of what was never signed releases nothing',
    [ask(), raised, allowed('granted'), verified('early')],
    [],
    'turn',
  ],
  [
    'committed, signed and verified, but not marked',
    [ask(), signed('early'), verified('early'), allowed('granted')],
    [],
    'turn',
  ],
  [
    'the verdict comes last and opens the door',
    [...happy, allowed('granted')],
    ['answer released granted X@0 by early'],
    'idle',
  ],
  [
    'the mark comes last and opens the door',
    [ask(), signed('early'), verified('early'), allowed('repeated'), raised],
    ['answer released repeated X@0 by early'],
    'idle',
  ],
  [
    'the verification comes last and opens the door',
    [ask(), raised, allowed('granted'), signed('early'), verified('early')],
    ['answer released granted X@0 by early'],
    'idle',
  ],
  [
    'retimed: the early signature is dropped, the stored bytes are signed',
    [...happy, allowed('retimed', bytesOf(here, 'X', 1))],
    ['sign verdict X@1'],
    'turn',
  ],
  [
    'retimed: what the dropped early job still says means nothing',
    [ask(), raised, allowed('retimed', bytesOf(here, 'X', 1)), signed('early')],
    [],
    'turn',
  ],
  [
    'retimed: the signature over the stored bytes is released',
    [...happy, allowed('retimed', bytesOf(here, 'X', 1)), signed('verdict'), verified('verdict')],
    ['answer released retimed X@1 by verdict'],
    'idle',
  ],
  [
    'retimed proposal: refused, whatever the verdict is called',
    [ask({ at: proposal }), raised, allowed('retimed', bytesOf(proposal, 'X', 1), 1, proposal)],
    ['answer PROPOSAL_RETIMED'],
    'idle',
  ],
  [
    'retimed: nor does its verification, not even one that fails',
    [ask(), raised, allowed('retimed', bytesOf(here, 'X', 1)), verified('early', false)],
    [],
    'turn',
  ],
  [
    'a second verdict in one turn changes nothing',
    [...happy.slice(0, 2), allowed('granted'), allowed('granted')],
    [],
    'turn',
  ],
  [
    'not even one that says otherwise',
    [...happy.slice(0, 2), allowed('granted'), verdict({ kind: 'conflict', stored })],
    [],
    'turn',
  ],
];

const withExtension = [ask(extended), raised, signed('early'), verified('early')];
const grantedPrecommit = allowed('granted', bytesOf(precommit, 'X'), 1, precommit);
const extensions: readonly Row[] = [
  [
    'an extension is not signed before the verdict',
    [ask(extended)],
    ['wakeAt 1010', 'reserve X@0', 'mark 7/0/3', 'sign early X@0'],
    'turn',
  ],
  ['the verdict allows it', [...withExtension, grantedPrecommit], ['sign extension ext'], 'turn'],
  [
    'the vote waits for its extension to be verified',
    [...withExtension, grantedPrecommit, signed('extension')],
    ['verify extension ext by extension'],
    'turn',
  ],
  [
    'a verification of an extension that was never signed releases nothing',
    [...withExtension, grantedPrecommit, verified('extension')],
    [],
    'turn',
  ],
  [
    'the mark comes last, but before the extension is verified',
    [
      ...[ask(extended), signed('early'), verified('early')],
      ...[grantedPrecommit, signed('extension'), raised],
    ],
    [],
    'turn',
  ],
  [
    'both leave together',
    [...withExtension, grantedPrecommit, signed('extension'), verified('extension')],
    ['answer released granted X@0 by early with by extension'],
    'idle',
  ],
  [
    'also on a repeat',
    [
      ...withExtension,
      allowed('repeated', bytesOf(precommit, 'X'), 1, precommit),
      signed('extension'),
      verified('extension'),
    ],
    ['answer released repeated X@0 by early with by extension'],
    'idle',
  ],
  [
    'a refusal signs no extension',
    [
      ...withExtension,
      verdict({
        kind: 'conflict',
        stored: { ...stored, signBytes: bytesOf(precommit, 'Y'), hrs: precommit },
      }),
    ],
    ['answer CONFLICT', 'alarm CONFLICT'],
    'idle',
  ],
  [
    'a wrong extension signature stops the process too',
    [...withExtension, grantedPrecommit, signed('extension'), verified('extension', false)],
    ['stop SIGNER_SIGNATURE_WRONG', 'answer notNow stopped null'],
    'stopped',
  ],
];

// ---------------------------------------------------------------------------- what goes wrong

const refusals: readonly (readonly [Refused, readonly string[]])[] = [
  [{ kind: 'unregistered' }, ['answer UNREGISTERED']],
  [{ kind: 'retired' }, ['answer RETIRED']],
  [{ kind: 'halted', haltHeight: 7n }, ['answer HALTED']],
  [{ kind: 'regressed', last: stored, floor: null }, ['answer REGRESSED']],
  [{ kind: 'regressed', last: null, floor: here }, ['answer REGRESSED']],
  [{ kind: 'conflict', stored }, ['answer CONFLICT', 'alarm CONFLICT']],
  [{ kind: 'leap', base: 1n, maxHeightJump: 2n }, ['answer LEAP']],
  [{ kind: 'cutover', base: 1n, cutoverWindow: 2n }, ['answer CUTOVER']],
  [{ kind: 'malformed', detail: 'd' }, ['answer MALFORMED']],
];
const refusedByLog: readonly Row[] = refusals.map(([refusal, outputs]) => [
  `the log says ${refusal.kind}, though all else is ready`,
  [...happy, verdict(refusal)],
  outputs,
  'idle',
]);

const faults: readonly Row[] = [
  ['unknown outcome', [...happy, unknown], ['answer notNow unknown b'], 'idle'],
  ['another leads, by the store', [...happy, notLeader], ['answer notNow notLeader c'], 'idle'],
  ['the deadline', [...happy, deadline], ['answer notNow timeout b'], 'idle'],
  [
    'the mark refuses another content: a proposal of ours was lost',
    [ask(), markRefused('otherContent')],
    ['answer WATERMARK'],
    'idle',
  ],
  [
    'the mark refuses though all else is ready',
    [ask(), signed('early'), verified('early'), allowed('granted'), markRefused('otherContent')],
    ['answer WATERMARK'],
    'idle',
  ],
  [
    'below the mark: with an alarm',
    [ask(), markRefused('regressed')],
    ['answer WATERMARK', 'alarm WATERMARK'],
    'idle',
  ],
  [
    'the mark could not be written',
    [ask(), markFailed],
    ['stop SIGNER_WATERMARK_FAILED', 'answer notNow stopped null'],
    'stopped',
  ],
  [
    'the key backend fails',
    [...happy.slice(0, 2), signFailed('early')],
    ['answer BACKEND', 'alarm BACKEND'],
    'idle',
  ],
  [
    'a dropped job may fail',
    [ask(), raised, allowed('retimed', bytesOf(here, 'X', 1)), signFailed('early')],
    [],
    'turn',
  ],
  [
    'the own signature does not verify, even before the verdict',
    [ask(), signed('early'), verified('early', false)],
    ['stop SIGNER_SIGNATURE_WRONG', 'answer notNow stopped null'],
    'stopped',
  ],
  [
    'the log allows another content',
    [...happy, allowed('granted', bytesOf(here, 'Y'))],
    ['stop SIGNER_VERDICT_FOREIGN', 'answer notNow stopped null'],
    'stopped',
  ],
  [
    'the log allows another place',
    [...happy, allowed('granted', bytesOf(hrs(8), 'X'))],
    ['stop SIGNER_VERDICT_FOREIGN', 'answer notNow stopped null'],
    'stopped',
  ],
  [
    'stopped: every later request is turned away',
    [ask(), markFailed, ask({ ticket: 2 })],
    ['answer notNow stopped b'],
    'stopped',
  ],
  [
    'stopped: results of the turn mean nothing',
    [ask(), signed('early'), verified('early', false), raised],
    [],
    'stopped',
  ],
];

// ------------------------------------------------------------------------ turns and tickets

const turns: readonly Row[] = [
  [
    'answered while the mark is being written: the turn stays taken',
    [ask(), deadline],
    ['answer notNow timeout b'],
    'draining',
  ],
  ['the mark is written: the turn is free', [ask(), deadline, raised], [], 'idle'],
  ['the mark is refused: the turn is free', [ask(), unknown, markRefused('regressed')], [], 'idle'],
  [
    'the mark fails after the answer: fatal all the same',
    [ask(), deadline, markFailed],
    ['stop SIGNER_WATERMARK_FAILED'],
    'stopped',
  ],
  [
    'the mark of another turn frees nothing',
    [ask(), deadline, { ...raised, ticket: 2 } as Input],
    [],
    'draining',
  ],
  ['a late verdict while draining', [ask(), deadline, allowed('granted')], [], 'draining'],
  ['a late verdict when idle', [ask(), deadline, raised, allowed('granted')], [], 'idle'],
  [
    'a late verdict, mark, signature or deadline of turn 1 is nothing to turn 2',
    [ask(), deadline, raised, ask({ ticket: 2 }), allowed('granted')],
    [],
    'turn',
  ],
  ['a late deadline', [ask(), deadline, raised, ask({ ticket: 2 }), deadline], [], 'turn'],
  ['a late signature', [ask(), deadline, raised, ask({ ticket: 2 }), signed('early')], [], 'turn'],
  [
    'a late verification',
    [ask(), deadline, raised, ask({ ticket: 2 }), verified('early', false)],
    [],
    'turn',
  ],
];

const tables = { road, extensions, refusedByLog, faults, turns };
for (const [table, rows] of Object.entries(tables)) {
  for (const [why, inputs, outputs, phase] of rows) {
    test(`${table}: ${why}`, () => {
      assert.deepEqual(play(inputs), { outputs, phase });
    });
  }
}

test('a key that must not sign early signs the verdict’s bytes after the verdict', () => {
  const device = { ...rules, signsEarly: false };
  assert.deepEqual(play([ask()], device).outputs, ['wakeAt 1010', 'reserve X@0', 'mark 7/0/2']);
  assert.deepEqual(play([ask(), raised, allowed('granted')], device).outputs, ['sign verdict X@0']);
  assert.deepEqual(play([ask(), raised, signed('verdict')], device).outputs, []);
});

test('a release tells how long each stage took', () => {
  const at = (nowMs: number) => ({ nowMs, leader: null });
  let state = step(idle, at(10), ask(), rules).state;
  state = step(state, at(11), signed('early'), rules).state;
  state = step(state, at(13), verified('early'), rules).state;
  state = step(state, at(17), raised, rules).state;
  const [answer] = step(state, at(25), allowed('granted'), rules).outputs;
  assert.ok(answer?.kind === 'answer' && answer.outcome.kind === 'released');
  assert.deepEqual(answer.outcome.stages, {
    queue: 6,
    commit: 15,
    watermark: 7,
    sign: 1,
    verify: 2,
    total: 21,
  });
});

test('what ends the process says where and why', () => {
  const stops = (...inputs: readonly Input[]) => {
    let stepped = step(idle, moment, ask(), rules);
    for (const input of inputs) stepped = step(stepped.state, moment, input, rules);
    const [first] = stepped.outputs;
    return first?.kind === 'stop' ? first.error.facts : null;
  };
  const place = { chainId: id.chainId, position: '7/0/prevote' };
  assert.deepEqual(stops(allowed('granted', bytesOf(here, 'Y'))), {
    ...place,
    detail: 'another content',
  });
  assert.deepEqual(stops(allowed('granted', bytesOf(hrs(8), 'X'))), {
    ...place,
    detail: 'the bytes say 8/0/prevote',
  });
  assert.deepEqual(stops(signed('early'), verified('early', false)), {
    ...place,
    detail: 'the own signature does not verify',
  });
});

test('a key that could not sign is refused with the words of its backend', () => {
  const { state } = step(idle, moment, ask(), rules);
  const [answer] = step(state, moment, signFailed('early'), rules).outputs;
  assert.ok(answer?.kind === 'answer' && answer.outcome.kind === 'refused');
  assert.equal(answer.outcome.detail, 'the key backend could not sign: gone');
});

test('a second request in a turn, and words that the machine does not know, end the process', (t) => {
  t.after(
    onViolation((violation) => {
      throw violation;
    }),
  );
  assert.throws(() => play([ask(), ask({ ticket: 2 })]), /one request at a time/);
  const input = { kind: 'other', ticket: 1 } as unknown as Input;
  assert.throws(() => play([ask(), input]), InvariantViolation);
  const result = { kind: 'other' };
  const reserved = { kind: 'reserved', ticket: 1, result } as unknown as Input;
  assert.throws(() => play([ask(), reserved]), InvariantViolation);
});
