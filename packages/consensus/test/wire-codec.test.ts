/** Frames between replicas: every kind there and back, and nothing else is taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cometkms } from '#generated/consensus.js';
import {
  change,
  entries,
  rulesEntry,
  snapshot,
  stateHash,
} from '../src/conformance/log-records.js';
import { sampleHello } from '../src/conformance/transport.js';
import type { Message } from '../src/core/types.js';
import { ConsensusError } from '../src/errors.js';
import type { RefusalCode } from '../src/transport.js';
import { decodeFrame, encodeFrame, type ReceivedFrame, type WireFrame } from '../src/wire-codec.js';

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
    entries: [
      { kind: 'empty', index: 8, term: 4 },
      ...entries(9, 11, 4),
      ...[change(12, 4), rulesEntry(13, 4), stateHash(14, 4)],
    ],
  },
  { kind: 'append', term: 4, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 0 },
  {
    ...{ kind: 'appendReply', term: 4, round: 99, match: 11, refused: true },
    ...{ hintIndex: 5, hintTerm: 2 },
  },
  { kind: 'installSnapshot', term: 4, snapshot: snapshot(40, 3), round: 1 },
  { kind: 'installSnapshot', term: 4, snapshot: { ...snapshot(40, 3), rules: 2 }, round: 1 },
  { kind: 'timeoutNow', term: 4, lastIndex: 11 },
];

/** All of them: one that the other side does not know ends nobody, and some must. */
const codes: Readonly<Record<RefusalCode, true>> = {
  ...{ rolledBack: true, cloned: true, wiped: true, emptyVoter: true, alive: true, removed: true },
  ...{ foundedWithout: true, notMember: true, nameDiffers: true, clusterDiffers: true },
  ...{ self: true, other: true },
};

const frames: readonly WireFrame[] = [
  ...messages.map((message) => ({ kind: 'raft', message, holds: 7 }) as const),
  { kind: 'raft', message: { kind: 'voteReply', term: 4, granted: true }, holds: big },
  { kind: 'hello', hello: { ...sampleHello('id', 'a', 'run'), boot: big, emptyLog: true } },
  { kind: 'found', genesis: bytes },
  { kind: 'application', payload: bytes },
  { kind: 'application', payload: new Uint8Array() },
  { kind: 'accepted' },
  { kind: 'keepAlive' },
  ...Object.keys(codes).map(
    (code) => ({ kind: 'refused', refusal: { code: code as RefusalCode, detail: 'why' } }) as const,
  ),
];

/** protobuf hands out Buffers where we send plain arrays; only the bytes matter. */
const plain = (frame: ReceivedFrame['frame']): unknown =>
  JSON.parse(
    JSON.stringify(frame, (_key, value) =>
      value?.type === 'Buffer' || value instanceof Uint8Array
        ? Buffer.from(value.data ?? value).toString('hex')
        : value,
    ),
  );

for (const frame of frames) {
  const of = frame.kind === 'raft' ? frame.message.kind : '';
  const what = `${frame.kind} ${frame.kind === 'refused' ? frame.refusal.code : of}`.trim();
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

test('a frame of an unknown kind is malformed', () => {
  const { Frame } = cometkms.consensus;
  const unknown = [
    Frame.encode({ clusterId: 'c' }).finish(),
    Frame.encode({ clusterId: 'c', append: { entries: [{ rules: {} }] } }).finish(),
    Frame.encode({ clusterId: 'c', hello: { clusterId: 'c' } }).finish(),
    Frame.encode({ clusterId: 'c', installSnapshot: {} }).finish(),
  ];
  for (const some of unknown) {
    assert.throws(() => decodeFrame(some), { code: 'CONSENSUS_FRAME_MALFORMED' });
  }
});

/** A field that no version had so far, with a varint in it. */
const later = [0xf8, 0x07, 1];
const laterIn = (message: object): object => ({ ...message, $unknowns: [Uint8Array.from(later)] });

test('an entry or a snapshot of a later version is told as such, wherever it is nested', () => {
  const { Frame } = cometkms.consensus;
  const member = { id: 'a', name: 'a', address: 'a:1' };
  const snapshotOf = (membership: object) => ({ index: 1, term: 1, membership });
  const place = { index: 1, term: 1 };
  const laters: readonly [string, object][] = [
    ['an entry of an unknown kind', { append: { entries: [laterIn(place)] } }],
    ['an entry of no kind', { append: { entries: [place] } }],
    ['an empty entry', { append: { entries: [laterIn({ ...place, empty: {} })] } }],
    ['rules', { append: { entries: [{ ...place, rules: laterIn({ version: 2 }) }] } }],
    ['a state hash', { append: { entries: [{ ...place, stateHash: laterIn({}) }] } }],
    ['a membership', { append: { entries: [{ ...place, membership: laterIn({}) }] } }],
    ['a snapshot', { installSnapshot: { snapshot: laterIn(snapshotOf({})) } }],
    ['its member', { installSnapshot: { snapshot: snapshotOf({ voters: [laterIn(member)] }) } }],
  ];
  for (const [what, body] of laters) {
    const { frame } = decodeFrame(Frame.encode({ clusterId: 'c', ...body }).finish());
    assert.equal(frame.kind, 'unknownRecord', what);
  }
});

test('what a hello of a later version says besides is passed over', () => {
  const bytes = encodeFrame('c', { kind: 'hello', hello: sampleHello('id', 'a', 'run') });
  const { Frame } = cometkms.consensus;
  const { hello } = Frame.decode(bytes);
  const later = Frame.encode({ clusterId: 'c', hello: laterIn({ ...hello }) }).finish();
  assert.ok(later.length > bytes.length);
  assert.deepEqual(plain(decodeFrame(later).frame), plain(decodeFrame(bytes).frame));
});

test('a refusal of a later version is kept as one, with its words', () => {
  const { Frame } = cometkms.consensus;
  const later = Frame.encode({ clusterId: 'c', refused: { code: 'newWord', detail: 'text' } });
  assert.deepEqual(decodeFrame(later.finish()).frame, {
    kind: 'refused',
    refusal: { code: 'other', detail: 'text' },
  });
});
