/** Records become bytes and back, exactly; what is not known exactly is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantViolation, onViolation } from '@cometkms/invariant';
import fc from 'fast-check';
import Long from 'long';
import { Writer } from 'protobufjs/minimal.js';
import type { Entry, Membership, Snapshot } from '../src/core/types.js';
import { ConsensusError } from '../src/errors.js';
import {
  decodeBatches,
  decodeGenesis,
  encodeBatches,
  encodeGenesis,
  entryFromProto,
  entryToProto,
  required,
  safeInteger,
  snapshotFromProto,
  snapshotToProto,
} from '../src/log-codec.js';
import type { Genesis, LogBatch } from '../src/storage.js';

/** With the prototype that our own objects have: the comparison is strict. */
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const integer = fc.oneof(fc.nat(3), fc.maxSafeNat());
const id = fc.string({ minLength: 1, maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 40 });
const member = plain({ id, name: fc.string(), address: fc.string(), witness: fc.boolean() });
const membership: fc.Arbitrary<Membership> = fc.record(
  {
    voters: fc.array(member, { maxLength: 3 }),
    learners: fc.array(member, { maxLength: 1 }),
    // Absent where there is none: so older logs are written again as they were.
    departed: fc.array(member, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['voters', 'learners'], noNullPrototype: true },
);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  plain({ kind: fc.constant('empty' as const), index: integer, term: integer }),
  plain({
    kind: fc.constant('command' as const),
    index: integer,
    term: integer,
    command: bytes,
  }),
  plain({
    kind: fc.constant('membership' as const),
    index: integer,
    term: integer,
    membership,
  }),
  plain({
    kind: fc.constant('rules' as const),
    index: integer,
    term: integer,
    version: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  }),
  plain({
    kind: fc.constant('stateHash' as const),
    index: integer,
    term: integer,
    at: integer,
    hash: bytes.map((some) => Buffer.from(some).toString('hex')),
  }),
);
const genesis: fc.Arbitrary<Genesis> = fc.record(
  { clusterId: id, self: id, membership, admitted: plain({ index: integer, membership }) },
  { requiredKeys: ['clusterId', 'self', 'membership'], noNullPrototype: true },
);
const snapshot: fc.Arbitrary<Snapshot> = fc.record(
  // `rules` is absent for the first version: so older logs are written again as they were.
  {
    index: integer,
    term: integer,
    membership,
    state: bytes,
    rules: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: ['index', 'term', 'membership', 'state'], noNullPrototype: true },
);
const mark = plain({
  peer: id,
  boot: integer,
  runId: fc.string({ maxLength: 8 }),
  term: integer,
  acknowledged: integer,
  joined: fc.boolean(),
});
const batch: fc.Arbitrary<LogBatch> = fc.record(
  {
    hard: plain({ term: integer, votedFor: fc.option(id, { nil: null }) }),
    truncateFrom: integer,
    entries: fc.array(entry, { minLength: 1, maxLength: 3 }),
    snapshot,
    resetLog: fc.constant(true),
    genesis,
    boot: plain({ boot: integer, runId: id }),
    marks: fc.array(mark, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const isCode = (code: string) => (error: unknown) =>
  error instanceof ConsensusError && error.code === code;

test('any batches are read back as they were written', () => {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 4 }), (batches) => {
      assert.deepEqual(decodeBatches(encodeBatches(batches)), batches);
    }),
  );
});

test('entries, snapshots and a genesis survive the way through protobuf', () => {
  fc.assert(
    fc.property(entry, snapshot, genesis, (one, other, first) => {
      assert.deepEqual(entryFromProto(entryToProto(one)), one);
      assert.deepEqual(snapshotFromProto(snapshotToProto(other)), other);
      assert.deepEqual(decodeGenesis(encodeGenesis(first)), first);
    }),
  );
});

test('a log from before memberships could change is read, and written again byte by byte', () => {
  const older =
    '9d010a0022461a410a130a02616112076e616d652d61611a0461613a310a150a02626212076e616d652d62621a04' +
    '62623a31200112130a02636312076e616d652d63631a0463633a31220173324a0a0163120261611a410a130a0261' +
    '6112076e616d652d61611a0461613a310a150a02626212076e616d652d62621a0462623a31200112130a02636312' +
    '076e616d652d63631a0463633a313a0508011201722a0a060802120261611a06080110021a001a07080210022201' +
    '78420f0a02626210011a0171200228013001';
  const batches = decodeBatches(Buffer.from(older, 'hex'));
  assert.deepEqual(
    batches.flatMap(({ entries = [] }) => entries.map(({ kind }) => kind)),
    ['empty', 'command'],
  );
  assert.deepEqual(Object.keys(batches[0]?.genesis?.membership ?? {}), ['voters', 'learners']);
  assert.equal(Buffer.from(encodeBatches(batches)).toString('hex'), older);
});

test('what was read is a copy, never a window into the buffer that was read', () => {
  const buffer = Buffer.from(
    encodeBatches([
      { entries: [{ kind: 'command', index: 1, term: 1, command: Buffer.from('a') }] },
    ]),
  );
  const [read] = decodeBatches(buffer);
  buffer.fill(0);
  assert.deepEqual(read?.entries, [
    { kind: 'command', index: 1, term: 1, command: new Uint8Array([97]) },
  ]);
});

test('any bytes give batches that would be written so again, or a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      try {
        assert.deepEqual(new Uint8Array(encodeBatches(decodeBatches(noise))), noise);
      } catch (error) {
        assert.ok(error instanceof ConsensusError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('an entry without a body of a known kind is refused, alone and in a batch', () => {
  assert.throws(
    () => entryFromProto({ index: Long.fromNumber(4, true), term: Long.fromNumber(2, true) }),
    isCode('CONSENSUS_RECORD_UNKNOWN'),
  );
  // entries = { index: 4, field 9: a body that a later version may add }
  const later = Writer.create().uint32(8).uint64(4).uint32(74).bytes(Buffer.from('later')).finish();
  const inBatch = Writer.create().uint32(26).bytes(later).finish();
  assert.throws(
    () => decodeBatches(Writer.create().bytes(inBatch).finish()),
    isCode('CONSENSUS_RECORD_UNKNOWN'),
  );
});

test('a field that this version does not know is refused, not stepped over', () => {
  const withMore = Writer.create().uint32(40).bool(true).uint32(160).uint32(7).finish();
  assert.throws(
    () => decodeBatches(Writer.create().bytes(withMore).finish()),
    isCode('CONSENSUS_RECORD_UNKNOWN'),
  );
});

test('integers beyond 2^53 - 1, and absent parts, are malformed', () => {
  assert.equal(safeInteger(Long.fromNumber(Number.MAX_SAFE_INTEGER, true), 'x'), 2 ** 53 - 1);
  assert.equal(safeInteger(undefined, 'x'), 0);
  for (const bad of [Long.fromString('9007199254740992', true), Long.MAX_UNSIGNED_VALUE, -1, 0.5]) {
    assert.throws(() => safeInteger(bad, 'x'), isCode('CONSENSUS_RECORD_MALFORMED'));
  }
  assert.throws(() => required(null, 'x'), isCode('CONSENSUS_RECORD_MALFORMED'));
  assert.throws(() => snapshotFromProto({}), isCode('CONSENSUS_RECORD_MALFORMED'));
  assert.throws(() => decodeGenesis(Buffer.alloc(0)), isCode('CONSENSUS_RECORD_MALFORMED'));
});

test('an integer of ours that cannot be written is a broken rule', () => {
  const restore = onViolation((violation) => {
    throw violation;
  });
  try {
    for (const index of [-1, 0.5, 2 ** 53]) {
      assert.throws(() => entryToProto({ kind: 'empty', index, term: 1 }), InvariantViolation);
    }
  } finally {
    restore();
  }
});
