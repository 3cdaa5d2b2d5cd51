/** Frames between replicas: every kind there and back, and nothing else is taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cometkms } from '#generated/consensus.js';
import { change, entries, snapshot } from '../src/conformance/log-records.js';
import { sampleHello } from '../src/conformance/transport.js';
import type { Message } from '../src/core/types.js';
import { ConsensusError } from '../src/errors.js';
import { decodeFrame, encodeFrame, type WireFrame } from '../src/wire-codec.js';

const big = Number.MAX_SAFE_INTEGER;
const bytes = new Uint8Array([0, 255, 7]);

const messages: readonly Message[] = [
  { kind: 'preVote', term: 4, lastIndex: big, lastTerm: 3 },
  { kind: 'preVoteReply', term: 4, granted: true },
  { kind: 'preVoteReply', term: 0, granted: false },
  { kind: 'vote', term: big, lastIndex: 0, lastTerm: 0, transfer: true },
  { kind: 'voteReply', term: 4, granted: false },
  {
    ...{ kind: 'append', term: 4, prevIndex: 7, prevTerm: 3, commit: 6, round: 99 },
    entries: [{ kind: 'empty', index: 8, term: 4 }, ...entries(9, 11, 4), change(12, 4)],
  },
  { kind: 'append', term: 4, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 0 },
  {
    ...{ kind: 'appendReply', term: 4, round: 99, match: 11, refused: true },
    ...{ hintIndex: 5, hintTerm: 2 },
  },
  { kind: 'installSnapshot', term: 4, snapshot: snapshot(40, 3), round: 1 },
  { kind: 'timeoutNow', term: 4, lastIndex: 11 },
];

const frames: readonly WireFrame[] = [
  ...messages.map((message) => ({ kind: 'raft', message, holds: 7 }) as const),
  { kind: 'raft', message: { kind: 'voteReply', term: 4, granted: true }, holds: big },
  { kind: 'hello', hello: { ...sampleHello('id', 'a', 'run'), boot: big, emptyLog: true } },
  { kind: 'found', genesis: bytes },
  { kind: 'application', payload: bytes },
  { kind: 'application', payload: new Uint8Array() },
  { kind: 'accepted' },
  { kind: 'keepAlive' },
  { kind: 'refused', refusal: { code: 'rolledBack', detail: 'why' } },
  { kind: 'refused', refusal: { code: 'removed', detail: 'why' } },
];

/** protobuf hands out Buffers where we send plain arrays; only the bytes matter. */
const plain = (frame: WireFrame): unknown =>
  JSON.parse(
    JSON.stringify(frame, (_key, value) =>
      value?.type === 'Buffer' || value instanceof Uint8Array
        ? Buffer.from(value.data ?? value).toString('hex')
        : value,
    ),
  );

for (const frame of frames) {
  const what = frame.kind === 'raft' ? `raft ${frame.message.kind}` : frame.kind;
  test(`there and back: ${what}`, () => {
    const received = decodeFrame(encodeFrame('cluster', frame));
    assert.equal(received.clusterId, 'cluster');
    assert.deepEqual(plain(received.frame), plain(frame));
  });
}

test('any bytes give a frame or the typed error, never anything else', () => {
  const known = frames.map((frame) => encodeFrame('c', frame));
  const damaged = fc
    .tuple(fc.constantFrom(...known), fc.nat(), fc.nat(255))
    .map(([frame, at, value]) => {
      const copy = Uint8Array.from(frame);
      copy[at % copy.length] = value;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (some) => {
      try {
        decodeFrame(some);
      } catch (error) {
        assert.ok(error instanceof ConsensusError, String(error));
        assert.equal(error.code, 'CONSENSUS_FRAME_MALFORMED');
      }
    }),
    { numRuns: 2000 },
  );
});

test('a frame of an unknown kind, and an entry of one, are malformed', () => {
  const { Frame } = cometkms.consensus;
  const unknown = [
    Frame.encode({ clusterId: 'c' }).finish(),
    Frame.encode({ clusterId: 'c', append: { entries: [{}] } }).finish(),
    Frame.encode({ clusterId: 'c', installSnapshot: {} }).finish(),
  ];
  for (const some of unknown) {
    assert.throws(() => decodeFrame(some), { code: 'CONSENSUS_FRAME_MALFORMED' });
  }
});

test('a refusal of a later version is kept as one, with its words', () => {
  const { Frame } = cometkms.consensus;
  const later = Frame.encode({ clusterId: 'c', refused: { code: 'newWord', detail: 'text' } });
  assert.deepEqual(decodeFrame(later.finish()).frame, {
    kind: 'refused',
    refusal: { code: 'other', detail: 'text' },
  });
});
