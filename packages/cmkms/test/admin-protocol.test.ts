/**
 * Requests of the admin socket as lines.
 *
 * Owns    that a request comes back as it was, and that nothing else is taken for one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AdminRequest,
  BadRequest,
  decodeRequest,
  encodeRequest,
} from '../src/admin/protocol.js';
import { hubKey } from './example-status.js';

const chain = fc.record({
  chainId: fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }),
  keyAddress: fc.constantFrom(null, hubKey),
});
const height = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const round = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const step = fc.constantFrom(1 as const, 2 as const, 3 as const);

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const identity = fc.stringMatching(/^[0-9a-f]{64}$/);
const newcomer = fc.record({
  name,
  address: fc.integer({ min: 1, max: 65_535 }).map((port) => `10.0.0.1:${port}`),
  identity,
  witness: fc.boolean(),
  clusterId: fc.option(name),
});

const request: fc.Arbitrary<AdminRequest> = fc.oneof(
  fc.constantFrom<AdminRequest>({ kind: 'status' }, { kind: 'haltShow' }),
  fc.tuple(chain, height, round, step).map(
    ([c, h, r, s]): AdminRequest => ({
      kind: 'floorRaise',
      ...c,
      height: h,
      round: r,
      step: s,
    }),
  ),
  fc.tuple(chain, height).map(([c, h]): AdminRequest => ({ kind: 'haltSet', ...c, height: h })),
  chain.map((c): AdminRequest => ({ kind: 'haltClear', ...c })),
  chain.map((c): AdminRequest => ({ kind: 'chainRetire', ...c })),
  newcomer.map((n): AdminRequest => ({ kind: 'memberAdd', ...n })),
  fc.tuple(newcomer, name).map(([n, old]): AdminRequest => ({ kind: 'memberReplace', old, ...n })),
  identity.map((i): AdminRequest => ({ kind: 'memberPromote', identity: i })),
  name.map((n): AdminRequest => ({ kind: 'memberRemove', name: n })),
  fc.option(name).map((to): AdminRequest => ({ kind: 'leaderTransfer', to })),
);

test('a request comes back as it was, in one line', () => {
  fc.assert(
    fc.property(request, (made) => {
      const line = encodeRequest(made);
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.deepEqual(decodeRequest(line.trimEnd()), made);
    }),
  );
});

const floor = {
  v: 1,
  kind: 'floorRaise',
  chainId: 'a',
  keyAddress: null,
  height: '5',
  round: 0,
  step: 3,
};

const add = {
  ...{ v: 1, kind: 'memberAdd', name: 'd', address: '10.0.0.13:9430' },
  ...{ identity: 'f'.repeat(64), witness: false, clusterId: null },
};

const rows: readonly (readonly [why: string, line: unknown, says: RegExp])[] = [
  ['not JSON', '{', /not JSON/],
  ['an empty line', '', /not JSON/],
  ['a list', '[]', /not a JSON object/],
  ['null', 'null', /not a JSON object/],
  ['another version', { ...floor, v: 2 }, /version 2, this replica speaks 1/],
  ['no version', { kind: 'status' }, /version undefined/],
  ['an unknown kind', { v: 1, kind: 'sign' }, /unknown kind/],
  ['a kind that every object has', { v: 1, kind: 'constructor' }, /unknown kind/],
  ['a field too many: it may be a condition', { ...floor, ifLeader: true }, /no field "ifLeader"/],
  ['no chain', { ...floor, chainId: undefined }, /chainId/],
  ['an empty chain', { ...floor, chainId: '' }, /chainId/],
  ['a key that is none', { ...floor, keyAddress: 'abc' }, /keyAddress/],
  ['a height as a number: an int64 does not survive that', { ...floor, height: 5 }, /height/],
  ['height 0', { ...floor, height: '0' }, /height/],
  ['a negative height', { ...floor, height: '-5' }, /height/],
  ['a height above an int64', { ...floor, height: '9223372036854775808' }, /height/],
  ['a height in hex', { ...floor, height: '0x5' }, /height/],
  ['a round below 0', { ...floor, round: -1 }, /round/],
  ['half a round', { ...floor, round: 0.5 }, /round/],
  ['step 0', { ...floor, step: 0 }, /step/],
  ['step 4', { ...floor, step: 4 }, /step/],
  ['a floor without a height', { ...floor, height: undefined }, /height/],
  [
    'a halt without a height: that would be a clear',
    { v: 1, kind: 'haltSet', chainId: 'a' },
    /height/,
  ],
  ['a newcomer whose role is not said', { ...add, witness: undefined }, /witness/],
  ['an identity that is cut short', { ...add, identity: 'f'.repeat(63) }, /identity/],
  ['an identity in capitals', { ...add, identity: 'F'.repeat(64) }, /identity/],
  ['an address that nobody can dial', { ...add, address: '0.0.0.0:9430' }, /dialled/],
  ['a name that is a path', { ...add, name: '../d' }, /no name for a replica/],
  ['a replacement of nobody', { ...add, kind: 'memberReplace' }, /old/],
  ['a cluster left out', { ...add, clusterId: undefined }, /clusterId/],
  ['a removal of nobody', { v: 1, kind: 'memberRemove' }, /name/],
  ['a transfer that does not say to whom', { v: 1, kind: 'leaderTransfer' }, /to/],
];
for (const [why, line, says] of rows) {
  test(`refused: ${why}`, () => {
    const text = typeof line === 'string' ? line : JSON.stringify(line);
    assert.throws(
      () => decodeRequest(text),
      (error) => error instanceof BadRequest && says.test(error.message),
    );
  });
}

test('whatever comes is a request or a BadRequest', () => {
  const line = fc.oneof(fc.string({ unit: 'binary' }), fc.json());
  fc.assert(
    fc.property(line, (text) => {
      try {
        decodeRequest(text);
      } catch (error) {
        assert.ok(error instanceof BadRequest);
      }
    }),
  );
});
