/**
 * A leader's view of one peer.
 *
 * Owns    what holds after any sequence of answers, and each change of mode by itself.
 * Rule    rules 22, 24, 26.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Progress } from '../src/core/progress.js';

const window = 3;

test('rules 22 and 24: match is what was acknowledged, never falls, lies before next', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('ack' as const), at: fc.nat(20) }),
    fc.record({ kind: fc.constant('refuse' as const), at: fc.nat(20), round: fc.nat(30) }),
    fc.record({ kind: fc.constant('feed' as const), at: fc.nat(3) }),
    fc.record({ kind: fc.constant('snapshot' as const), at: fc.nat(20) }),
    fc.record({ kind: fc.constant('link' as const), at: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const peer = new Progress(5, 0);
      let acknowledged = 0;
      let fed = 0;
      events.forEach((each, round) => {
        const { match } = peer;
        if (each.kind === 'ack') {
          acknowledged = Math.max(acknowledged, each.at);
          assert.equal(peer.acknowledged(each.at), each.at > match);
        } else if (each.kind === 'refuse') peer.refused(each.round, each.at, round);
        else if (each.kind === 'snapshot') peer.snapshotSent(each.at, round);
        else if (each.kind === 'link') peer.restart(round);
        else if (peer.mayFeed(window)) {
          fed += 1;
          peer.fed(peer.next + each.at, round);
        }
        assert.equal(peer.match, acknowledged);
        assert.ok(peer.match < peer.next);
      });
      assert.ok(fed <= events.length);
    }),
  );
});

test('rule 26: a pipeline stops at its window, and goes on when it is answered', () => {
  const peer = new Progress(1, 0);
  peer.acknowledged(0);
  for (const index of [1, 2, 3]) {
    assert.ok(peer.mayFeed(window));
    peer.fed(index, 0);
  }
  assert.equal(peer.mayFeed(window), false);
  peer.acknowledged(2);
  assert.ok(peer.mayFeed(window));
  assert.equal(peer.next, 4);
});

test('a probe is one message at a time; refused, it moves back; acknowledged, it ends', () => {
  const peer = new Progress(9, 0);
  peer.fed(9, 0);
  assert.equal(peer.mayFeed(window), false);
  peer.refused(1, 4, 2);
  assert.deepEqual([peer.mode, peer.next, peer.match], ['probe', 5, 0]);
  assert.ok(peer.mayFeed(window));
  peer.acknowledged(4);
  assert.deepEqual([peer.mode, peer.next, peer.match], ['pipeline', 5, 4]);
});

test('a refusal from before the last one says nothing any more', () => {
  const peer = new Progress(9, 0);
  peer.refused(1, 4, 2);
  peer.refused(1, 0, 3);
  assert.equal(peer.next, 5);
});

test('a peer that refuses even what it acknowledged is not asked in a circle', () => {
  const peer = new Progress(5, 0);
  peer.acknowledged(4);
  peer.refused(1, 2, 2);
  assert.equal(peer.next, 5);
  assert.equal(peer.mayFeed(window), false);
});

test('waiting for a snapshot, only its acknowledgement or a later one goes on', () => {
  const peer = new Progress(5, 0);
  peer.snapshotSent(30, 0);
  peer.refused(9, 2, 10);
  peer.acknowledged(4);
  assert.equal(peer.mode, 'snapshot');
  peer.acknowledged(30);
  assert.deepEqual([peer.mode, peer.next], ['pipeline', 31]);
});
