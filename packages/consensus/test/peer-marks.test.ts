/** What a peer has shown, and that showing less is noticed, and that showing as much is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
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
const later = { boot: 6, runId: 'run-6' } as const;
const rows: readonly Row[] = [
  ['the same again', {}, null],
  ['a later start with as much', later, null],
  ['a later start with more of everything', { ...later, term: 8, lastIndex: 41 }, null],
  ['a shorter log that still holds what it acknowledged', { ...later, lastIndex: 30 }, null],
  ['a log that lost an acknowledged entry', { ...later, lastIndex: 29 }, 'rolledBack'],
  ['a later start with an earlier term', { ...later, term: 6 }, 'rolledBack'],
  ['an earlier start', { boot: 4, runId: 'run-4' }, 'rolledBack'],
  ['an earlier start with more', { boot: 4, runId: 'run-4', term: 9, lastIndex: 50 }, 'rolledBack'],
  ['the same start in another process', { runId: 'run-5b' }, 'cloned'],
  ['an empty log', { ...later, emptyLog: true, joined: false, lastIndex: 0, term: 0 }, 'wiped'],
  ['the same run, with an earlier term', { term: 6 }, null],
  ['the same run, with a shorter log', { lastIndex: 29 }, null],
  [
    'the same run, before it joined',
    { emptyLog: true, joined: false, lastIndex: 0, term: 0 },
    null,
  ],
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

test('a mark only rises, whatever is read late', () => {
  const marks = known();
  marks.shown({ ...shown, boot: 4, runId: 'run-4', term: 2 });
  marks.shown({ ...shown, runId: 'run-5b' });
  marks.shown({ ...shown, term: 1, joined: false, emptyLog: true });
  marks.acknowledged(peer, 10);
  marks.shownTerm(peer, 3);
  const [written] = marks.takeDirty();
  assert.deepEqual(written, {
    ...{ peer, boot: 5, runId: 'run-5', term: 7, acknowledged: 30, joined: true },
  });
});

/** What one replica does over its life, as far as others can see it. */
type Deed = 'restart' | 'newTerm' | 'acknowledge' | 'greet' | 'arrive' | 'speak';
const deeds = fc.array(
  fc.record({
    deed: fc.constantFrom<Deed>('restart', 'newTerm', 'acknowledge', 'greet', 'arrive', 'speak'),
    which: fc.nat(7),
  }),
  { maxLength: 60 },
);

test('whoever never forgets is never refused, however late a hello of its run comes', () => {
  fc.assert(
    fc.property(deeds, (life) => {
      const marks = new PeerMarks([]);
      let now: Hello = { ...shown, boot: 1, runId: 'run-1', term: 0, lastIndex: 0 };
      // Each on a connection of its own, so they arrive in any order.
      let greetings: Hello[] = [now];
      // Only over a link, which begins with an accepted hello of this run.
      let linked = false;
      for (const { deed, which } of life) {
        if (deed === 'restart') {
          now = { ...now, boot: now.boot + 1, runId: `run-${now.boot + 1}` };
          // Those of the earlier run may be refused: nobody is there to hear it.
          greetings = [now];
          linked = false;
        }
        if (deed === 'newTerm') now = { ...now, term: now.term + 1 };
        if (deed === 'acknowledge') {
          now = { ...now, lastIndex: now.lastIndex + 1 };
          if (linked) marks.acknowledged(peer, now.lastIndex);
        }
        if (deed === 'speak' && linked) marks.shownTerm(peer, now.term);
        if (deed === 'greet') greetings.push(now);
        const arrived = deed === 'arrive' ? greetings[which % greetings.length] : undefined;
        if (arrived === undefined) continue;
        assert.equal(marks.judge(arrived), null);
        marks.shown(arrived);
        linked = true;
      }
      assert.equal(marks.judge({ ...now, boot: now.boot + 1, runId: 'next' }), null);
    }),
  );
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
