/**
 * When a chain is registered, from what, and what a state file beside a registered chain means: each sentence
 * of the design as a row, then all worlds of three members against a model that shares no code.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hrs, RecordId, SigningRecord } from '@cometkms/sign-state';
import type { Known, Statement } from '../src/replica/message.js';
import {
  type MemberView,
  planRegistration,
  type RegistrationStep,
} from '../src/replica/registration.js';

const id: RecordId = {
  chainId: 'test-1',
  key: { type: 'ed25519', bytes: new Uint8Array(32).fill(7) },
};
const at = (height: bigint, round = 0, step: 1 | 2 | 3 = 3): Hrs => ({ height, round, step });
const X = Uint8Array.of(1);
const Y = Uint8Array.of(2);

const nothing: Known = { kind: 'nothing' };
const never: Known = { kind: 'neverSigned' };
const file = (hrs: Hrs, signBytes: Uint8Array | null = null): Known => ({
  kind: 'position',
  hrs,
  signBytes,
});
const says = (known: Known): Statement => ({
  kind: 'statement',
  linksHeld: [],
  linksSilent: [],
  chains: [{ id, known, validators: [] }],
});
const silentAbout: Statement = { kind: 'statement', linksHeld: [], linksSilent: [], chains: [] };

function members(...statements: readonly (Known | 'down' | 'unconfigured')[]): MemberView[] {
  return statements.map((s, i) => ({
    name: 'abc'[i] ?? '?',
    witness: false,
    statement: s === 'down' ? null : s === 'unconfigured' ? silentAbout : says(s),
  }));
}
const imported = (position: Hrs, signBytes: Uint8Array | null): RegistrationStep[] => [
  { kind: 'register', start: { kind: 'imported', position, signBytes } },
];

const first: readonly (readonly [string, MemberView[], RegistrationStep[]])[] = [
  [
    'a member that is down is waited for, by name',
    members(never, 'down', never),
    [{ kind: 'wait', missing: [{ name: 'b', why: 'unreachable' }] }],
  ],
  [
    'a member that does not have the chain configured is waited for',
    members(file(at(7n)), nothing, 'unconfigured'),
    [{ kind: 'wait', missing: [{ name: 'c', why: 'notConfigured' }] }],
  ],
  [
    'a witness is not asked',
    [...members(never, nothing), { name: 'w', witness: true, statement: null }],
    [{ kind: 'register', start: { kind: 'neverSigned' } }],
  ],
  [
    'all silent: refused on all',
    members(nothing, nothing, nothing),
    [{ kind: 'dismiss', members: ['a', 'b', 'c'], reason: { kind: 'allSilent' } }],
  ],
  [
    'a file beside a "never signed": refused on all',
    members(never, file(at(1n)), nothing),
    [
      {
        kind: 'dismiss',
        members: ['a', 'b', 'c'],
        reason: {
          kind: 'contradiction',
          between: { neverSigned: 'a', holder: 'b', position: at(1n) },
        },
      },
    ],
  ],
  [
    'the highest position wins, by round and step too',
    members(file(at(7n, 0, 3), X), file(at(7n, 1, 1), Y), nothing),
    imported(at(7n, 1, 1), Y),
  ],
  [
    'the same bytes twice are those bytes',
    members(file(at(7n), X), file(at(7n), X), nothing),
    imported(at(7n), X),
  ],
  [
    'equal positions with other bytes: a floor without bytes',
    members(file(at(7n), X), file(at(7n), Y), nothing),
    imported(at(7n), null),
  ],
  [
    'equal positions, bytes missing on one: a floor without bytes',
    members(file(at(7n), X), file(at(7n)), nothing),
    imported(at(7n), null),
  ],
];
for (const [why, views, steps] of first) {
  test(why, () => assert.deepEqual(planRegistration(id, undefined, views), steps));
}

const record = (
  last: { hrs: Hrs; signBytes: Uint8Array } | null,
  floor: Hrs | null,
): SigningRecord => ({
  id,
  last: last === null ? null : { ...last, by: 'a', at: 0 },
  floor,
  haltHeight: null,
  limits: { maxHeightJump: 1_000_000n, cutoverWindow: 10_000n },
  cutoverArmed: false,
  neverSigned: false,
  retired: false,
});
const later: readonly (readonly [string, SigningRecord, MemberView[], RegistrationStep[]])[] = [
  ['behind is normal', record({ hrs: at(9n), signBytes: X }, null), members(file(at(8n), Y)), []],
  ['equal is normal', record({ hrs: at(9n), signBytes: X }, null), members(file(at(9n), X)), []],
  [
    'equal with other bytes: an alarm, and a floor, for neither may be signed again',
    record({ hrs: at(9n), signBytes: X }, null),
    members(file(at(9n), Y)),
    [
      { kind: 'alarm', from: 'a', hrs: at(9n) },
      { kind: 'raiseFloor', floor: at(9n), from: 'a' },
    ],
  ],
  [
    'equal with other bytes, and a floor there: the alarm remains',
    record({ hrs: at(9n), signBytes: X }, at(9n)),
    members(file(at(9n), Y)),
    [{ kind: 'alarm', from: 'a', hrs: at(9n) }],
  ],
  [
    'equal without bytes is what this replica derives for what another one released',
    record({ hrs: at(9n), signBytes: X }, null),
    members(file(at(9n))),
    [],
  ],
  [
    'ahead within the next height: a floor',
    record({ hrs: at(9n), signBytes: X }, null),
    members(nothing, file(at(10n, 4, 3), Y)),
    [{ kind: 'raiseFloor', floor: at(10n, 4, 3), from: 'b' }],
  ],
  [
    'ahead by a step: a floor',
    record({ hrs: at(9n, 0, 2), signBytes: X }, null),
    members(file(at(9n, 0, 3))),
    [{ kind: 'raiseFloor', floor: at(9n, 0, 3), from: 'a' }],
  ],
  [
    'more than one height ahead: that member is refused',
    record({ hrs: at(9n), signBytes: X }, null),
    members(nothing, file(at(11n))),
    [{ kind: 'dismiss', members: ['b'], reason: { kind: 'ahead', cluster: at(9n) } }],
  ],
  [
    'a floor above the last reservation counts',
    record({ hrs: at(9n), signBytes: X }, at(20n)),
    members(file(at(20n), Y)),
    [],
  ],
  [
    'a retired chain asks for nothing',
    { ...record({ hrs: at(9n), signBytes: X }, null), retired: true },
    members(file(at(10n))),
    [],
  ],
  [
    'a statement that the key never signed is of no effect any more',
    record({ hrs: at(9n), signBytes: X }, null),
    members(never, never, never),
    [],
  ],
];
for (const [why, registered, views, steps] of later) {
  test(`registered: ${why}`, () =>
    assert.deepEqual(planRegistration(id, registered, views), steps));
}

test('all worlds of three members: registered only when all have spoken, and never below what one of them knows', () => {
  const knowledge = [
    'down',
    'unconfigured',
    nothing,
    never,
    file(at(1n), X),
    file(at(2n), X),
    file(at(2n), Y),
    file(at(2n, 1, 1)),
  ] as const;
  const height = (k: (typeof knowledge)[number]): number =>
    typeof k === 'object' && k.kind === 'position' ? Number(k.hrs.height) * 10 + k.hrs.round : 0;
  let registered = 0;
  for (const a of knowledge) {
    for (const b of knowledge) {
      for (const c of knowledge) {
        const world = [a, b, c];
        const steps = planRegistration(id, undefined, members(a, b, c));
        assert.equal(steps.length, 1);
        const [only] = steps;
        const spoken = world.every((k) => typeof k === 'object');
        const top = Math.max(...world.map(height));
        const someNever = world.some((k) => typeof k === 'object' && k.kind === 'neverSigned');
        if (!spoken) assert.equal(only?.kind, 'wait');
        else if (top > 0 === someNever) assert.equal(only?.kind, 'dismiss');
        else if (only?.kind === 'register' && only.start.kind === 'imported') {
          registered += 1;
          const start = only.start.position;
          assert.equal(Number(start.height) * 10 + start.round, top);
        } else assert.deepEqual(only, { kind: 'register', start: { kind: 'neverSigned' } });
      }
    }
  }
  assert.ok(registered > 50, 'worlds that register were reached');
});
