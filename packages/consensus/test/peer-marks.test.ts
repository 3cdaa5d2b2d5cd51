/** What a peer has shown, and that showing less is noticed, and that showing as much is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mark } from '../src/conformance/log-records.js';
import { sampleHello } from '../src/conformance/transport.js';
import { PeerMarks } from '../src/peer-marks.js';
import type { Hello } from '../src/transport.js';

const peer = mark('b').peer;
const shown: Hello = {
  ...sampleHello(peer, 'b', 'run-5'),
  ...{ boot: 5, term: 7, lastIndex: 40, joined: true },
};

/** A peer that showed `shown`, and acknowledged 30 of what is committed. */
function known(): PeerMarks {
  const marks = new PeerMarks([]);
  marks.shown(shown);
  marks.acknowledged(peer, 30);
  return marks;
}

type Row = readonly [says: string, change: Partial<Hello>, code: string | null];
const rows: readonly Row[] = [
  ['the same again', {}, null],
  ['more of everything', { boot: 6, runId: 'run-6', term: 8, lastIndex: 41 }, null],
  ['a shorter log that still holds what it acknowledged', { lastIndex: 30 }, null],
  ['a log that lost an acknowledged entry', { lastIndex: 29 }, 'rolledBack'],
  ['an earlier start', { boot: 4, runId: 'run-4' }, 'rolledBack'],
  ['an earlier term', { term: 6 }, 'rolledBack'],
  ['a later start with an earlier term', { boot: 6, runId: 'run-6', term: 6 }, 'rolledBack'],
  ['the same start in another process', { runId: 'run-5b' }, 'cloned'],
  ['an empty log', { emptyLog: true, joined: false, boot: 1, lastIndex: 0, term: 0 }, 'wiped'],
];
for (const [says, change, code] of rows) {
  test(`${says}: ${code ?? 'accepted'}`, () => {
    const marks = known();
    assert.equal(marks.judge({ ...shown, ...change })?.code ?? null, code);
    // The same from disk: a mark is as good after a restart.
    const again = new PeerMarks(marks.takeDirty());
    assert.equal(again.judge({ ...shown, ...change })?.code ?? null, code);
  });
}

test('an empty log that never joined leaves no mark: its starts are not numbered', () => {
  const marks = new PeerMarks([]);
  const fresh = { ...shown, joined: false, emptyLog: true, boot: 1, term: 0, lastIndex: 0 };
  marks.shown({ ...fresh, runId: 'first' });
  assert.equal(marks.judge({ ...fresh, runId: 'second' }), null);
  assert.deepEqual(marks.takeDirty(), []);
});

test('a mark only rises', () => {
  const marks = known();
  marks.acknowledged(peer, 10);
  marks.shownTerm(peer, 3);
  const [written] = marks.takeDirty();
  assert.deepEqual(written, {
    ...{ peer, boot: 5, runId: 'run-5', term: 7, acknowledged: 30, joined: true },
  });
});

test('what was shown before changes nothing, so heartbeats write nothing', () => {
  const marks = known();
  marks.takeDirty();
  marks.shown(shown);
  marks.shownTerm(peer, 7);
  marks.acknowledged(peer, 30);
  assert.deepEqual(marks.takeDirty(), []);
});

test('a joining counts once it is on disk, not before', () => {
  const marks = known();
  const dirty = marks.takeDirty();
  assert.equal(marks.isJoinedDurably(peer), false);
  assert.deepEqual(marks.written(dirty), [peer]);
  assert.ok(marks.isJoinedDurably(peer));
  assert.deepEqual(marks.written(dirty), [], 'told once');
  assert.ok(new PeerMarks(dirty).isJoinedDurably(peer), 'read back it is on disk');
});
