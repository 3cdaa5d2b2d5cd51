/** What replicas say to each other survives the wire, and what is no message of ours is an error, never a guess. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import Long from 'long';
import { cometkms } from '#generated/replica-link.js';
import {
  decodeReplicaMessage,
  encodeReplicaMessage,
  type ReplicaMessage,
} from '../src/replica/message.js';
import { remoteErrorCodes } from '../src/replica/remote-error-codes.js';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const bytes = fc.uint8Array({ maxLength: 200 });
const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const hrs = fc.record({
  height: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  round: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  step: fc.constantFrom(1 as const, 2 as const, 3 as const),
});
const id = fc.record({ chainId: text, key: fc.record({ type: text, bytes }) });

const outcome = fc.oneof(
  fc.record({
    kind: fc.constant('released' as const),
    verdict: fc.constantFrom('granted' as const, 'repeated' as const, 'retimed' as const),
    signBytes: bytes,
    signature: bytes,
    extensionSignature: fc.option(bytes),
    proof: fc.record({ term: number, index: number, commitMs: fc.integer({ min: 0, max: 5000 }) }),
    stages: fc.record({
      queue: fc.nat(99),
      commit: fc.nat(99),
      watermark: fc.nat(99),
      sign: fc.nat(99),
      verify: fc.nat(99),
      total: fc.nat(99),
    }),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    code: fc.constantFrom('CONFLICT' as const, 'REGRESSED' as const, 'WATERMARK' as const),
    detail: text,
  }),
  fc.record({
    kind: fc.constant('notNow' as const),
    reason: fc.constantFrom('notLeader' as const, 'unknown' as const, 'busy' as const),
    leader: fc.constant(null),
  }),
);

const known = fc.oneof(
  fc.record({ kind: fc.constant('nothing' as const) }),
  fc.record({ kind: fc.constant('neverSigned' as const) }),
  fc.record({ kind: fc.constant('position' as const), hrs, signBytes: fc.option(bytes) }),
);

const message: fc.Arbitrary<ReplicaMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('ask' as const),
    number,
    request: fc.record({ id, hrs, signBytes: bytes, extensionSignBytes: fc.option(bytes) }),
    validator: text,
    budgetMs: fc.nat(4000),
  }),
  fc.record({ kind: fc.constant('answer' as const), number, outcome }),
  fc.record({
    kind: fc.constant('statement' as const),
    chains: fc.array(fc.record({ id, known, validators: fc.array(text, { maxLength: 3 }) }), {
      maxLength: 3,
    }),
    linksHeld: fc.array(text, { maxLength: 3 }),
    linksSilent: fc.array(text, { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('dismissal' as const),
    id,
    reason: fc.oneof(
      fc.record({ kind: fc.constant('allSilent' as const) }),
      fc.record({
        kind: fc.constant('contradiction' as const),
        between: fc.option(fc.record({ neverSigned: text, holder: text, position: hrs })),
      }),
      fc.record({ kind: fc.constant('ahead' as const), cluster: hrs }),
    ),
  }),
);

/** Prototypes and Buffers aside: only what is said counts. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, item: unknown) => {
      if (typeof item === 'bigint') return `${item}n`;
      return item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item;
    }),
  );

test('every message is read as it was written', () => {
  fc.assert(
    fc.property(message, (said) => {
      assert.deepEqual(plain(decodeReplicaMessage(encodeReplicaMessage(said))), plain(said));
    }),
  );
});

test('a position of nothing signed at all is read too', () => {
  const cluster = { height: 0n, round: 0, step: 0 } as const;
  const reason = { kind: 'ahead' as const, cluster };
  const said = {
    kind: 'dismissal',
    id: { chainId: 'c', key: { type: 'ed25519', bytes: Uint8Array.of(1) } },
    reason,
  } as const;
  assert.deepEqual(plain(decodeReplicaMessage(encodeReplicaMessage(said))), plain(said));
});

test('a contradiction ends the other side too where one of the two does not know between whom', () => {
  const { ReplicaMessage: wire } = cometkms.replica;
  const id = { chainId: 'c', keyType: 'ed25519', key: Uint8Array.of(1) };
  const before = wire.encode({ dismissal: { id, contradiction: true } }).finish();
  const said = decodeReplicaMessage(before);
  assert.ok(said.kind === 'dismissal');
  assert.deepEqual(said.reason, { kind: 'contradiction', between: null });
  const hrs = { height: 7n, round: 0, step: 3 } as const;
  const between = { neverSigned: 'b', holder: 'a', position: hrs };
  const now = encodeReplicaMessage({ ...said, reason: { kind: 'contradiction', between } });
  assert.equal(wire.decode(now).dismissal?.contradiction, true);
});

test('bytes that are no message are an error, and never anything else', () => {
  fc.assert(
    fc.property(bytes, (garbage) => {
      try {
        decodeReplicaMessage(garbage);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
  assert.throws(() => decodeReplicaMessage(new Uint8Array(0)), /no body/);
});

test('every code that may be answered is known to the other side; any other is an error', () => {
  const { ReplicaMessage: wire } = cometkms.replica;
  const answer = (code: string): Uint8Array =>
    wire.encode({ answer: { number: Long.fromNumber(1), refused: { code, detail: '' } } }).finish();
  for (const code of Object.keys(remoteErrorCodes)) decodeReplicaMessage(answer(code));
  assert.throws(() => decodeReplicaMessage(answer('FROM_A_LATER_VERSION')), /code .* is none/);
  const notNow = wire
    .encode({ answer: { number: Long.fromNumber(1), notNow: { reason: 'later' } } })
    .finish();
  assert.throws(() => decodeReplicaMessage(notNow), /reason later is none/);
  const released = wire.encode({
    answer: { number: Long.fromNumber(1), released: { verdict: 'conflict' } },
  });
  assert.throws(() => decodeReplicaMessage(released.finish()), /allows nothing/);
});
