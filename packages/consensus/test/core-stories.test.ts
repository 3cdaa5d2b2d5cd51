/**
 * Stories that must end the same way every time, told step by step.
 *
 * Owns    figure 8 of the Raft paper, late and repeated appends between real cores, a closed link,
 *         a paused leader, a transfer. Each trace is compared whole.
 * Rule    rules 11, 17, 20, 28, 33, 34.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayServe, statusOf } from '../src/core/index.js';
import { type Letter, Stage } from './core-stage.js';

/** Three replicas with the same one entry; a leads term 2, its empty entry, 2, is committed, and all know. */
function ledByA(): Stage {
  const start = { terms: [1] };
  const stage = new Stage('abc', { a: start, b: start, c: start });
  stage.expire('a');
  stage.deliver();
  stage.beat('a');
  stage.deliver();
  stage.tells(
    `a is preCandidate of term 1 (timeout)
     a is candidate of term 2 (pre_vote_won)
     b is follower of term 2 (higher_term)
     c is follower of term 2 (higher_term)
     a writes 2.2
     a is leader of term 2 (won)
     b is follower of term 2 (leader_found)
     b writes 2.2
     c is follower of term 2 (leader_found)
     c writes 2.2
     a commits 2
     b commits 2
     c commits 2`,
  );
  return stage;
}

/** What b and c say to each other makes b the leader of term 3; a hears nothing of it. */
function bTakesOver(stage: Stage, why: 'timeout' | 'peer_closed'): void {
  stage.deliver(stage.between('b', 'c'));
  stage.tells(
    `b is preCandidate of term 2 (${why})
     b is candidate of term 3 (pre_vote_won)
     c is follower of term 3 (higher_term)
     b writes 3.3
     b is leader of term 3 (won)
     c is follower of term 3 (leader_found)
     c writes 3.3
     b commits 3`,
  );
}

test('rule 17, figure 8: an old entry on a majority may yet be replaced: not committed', () => {
  // a wrote 2.2 in term 2 and reached b; e wrote 3.2 in term 3 and reached nobody.
  const one = { terms: [1], hard: { term: 3, votedFor: 'e' } };
  const stage = new Stage(
    'abcde',
    {
      a: { terms: [1, 2], hard: { term: 3, votedFor: null } },
      b: { terms: [1, 2], hard: { term: 2, votedFor: 'a' } },
      c: one,
      d: one,
      e: { terms: [1, 3], hard: { term: 3, votedFor: 'e' } },
    },
    // One entry to a message: the old one arrives without the new term's first.
    { maxAppendBytes: 1 },
  );
  // Back again, a wins term 4 from b, c and d, and brings its old entry to c; nothing of term 4
  // arrives.
  const ofTerm4 = ({ message }: Letter) =>
    message.kind === 'append' && message.entries.some((entry) => entry.term === 4);
  stage.expire('a');
  stage.deliver(stage.between('a', 'b', 'c', 'd'), ofTerm4);
  stage.beat('a');
  stage.deliver(stage.between('a', 'b', 'c'), ofTerm4);
  stage.tells(
    `a is preCandidate of term 3 (timeout)
     a is candidate of term 4 (pre_vote_won)
     b is follower of term 4 (higher_term)
     c is follower of term 4 (higher_term)
     d is follower of term 4 (higher_term)
     a writes 4.3
     a is leader of term 4 (won)
     b is follower of term 4 (leader_found)
     c is follower of term 4 (leader_found)
     c writes 2.2`,
  );
  const matches = statusOf(stage.bench('a').core, stage.now).peers.map(({ match }) => match);
  assert.deepEqual(matches.slice(0, 2), [2, 2], 'entry 2.2 is on a, b and c: a majority');
  assert.equal(stage.bench('a').core.commit, 0);
  // a and b are cut off. e, with its later term, wins from c and d, and replaces 2.2.
  stage.later(20);
  stage.expire('e');
  stage.intercept(stage.between('a', 'b', 'c', 'd'));
  stage.deliver(stage.between('c', 'd', 'e'));
  stage.expire('e');
  stage.deliver(stage.between('c', 'd', 'e'));
  stage.tells(
    `e is preCandidate of term 3 (timeout)
     e is follower of term 4 (higher_term)
     e is preCandidate of term 4 (timeout)
     e is candidate of term 5 (pre_vote_won)
     c is follower of term 5 (higher_term)
     d is follower of term 5 (higher_term)
     e writes 5.3
     e is leader of term 5 (won)
     c is follower of term 5 (leader_found)
     d is follower of term 5 (leader_found)
     c truncates from 2
     c writes 3.2
     d writes 3.2
     c writes 5.3
     d writes 5.3
     e commits 3`,
  );
});

test('rule 20: an append that arrives late keeps the suffix', () => {
  const stage = ledByA();
  stage.propose('a', 7, 'x');
  const late = stage.intercept(stage.between('a', 'b'));
  stage.post(...late);
  stage.propose('a', 8, 'y');
  stage.deliver();
  stage.beat('a');
  stage.deliver();
  stage.tells(
    `a writes 2.3
     a writes 2.4
     c writes 2.3
     b writes 2.3
     b writes 2.4
     c writes 2.4
     a answers 7: committed
     a commits 3
     a answers 8: committed
     a commits 4
     b commits 4
     c commits 4`,
  );
  stage.post(...late);
  stage.deliver();
  stage.tells('');
  assert.equal(stage.bench('b').core.log.lastIndex, 4);
});

test('rule 11: a repeated append is acknowledged with the first one’s write, not before', () => {
  const stage = ledByA();
  stage.holdDisk('b');
  stage.propose('a', 7, 'x');
  const append = stage.intercept(stage.between('a', 'b'));
  stage.intercept(stage.between('a', 'c'));
  stage.post(...append, ...append);
  stage.deliver();
  stage.tells(
    `a writes 2.3
     b writes 2.3`,
  );
  stage.releaseDisk('b');
  stage.deliver();
  stage.tells(
    `a answers 7: committed
     a commits 3`,
  );
});

test('a leader whose process died is replaced without any time passing', () => {
  const stage = ledByA();
  const { now } = stage;
  for (const id of 'bc') stage.tell(id, { kind: 'link', peer: 'a', state: 'closed' });
  bTakesOver(stage, 'peer_closed');
  assert.equal(stage.now, now);
});

test('rule 28: one broken link deposes nobody: the other follower hears the leader', () => {
  const stage = ledByA();
  stage.tell('b', { kind: 'link', peer: 'a', state: 'closed' });
  stage.deliver(stage.between('b', 'c'));
  stage.tells('b is preCandidate of term 2 (peer_closed)');
  stage.tell('b', { kind: 'link', peer: 'a', state: 'up' });
  stage.beat('a');
  stage.deliver();
  stage.tells('b is follower of term 2 (leader_found)');
});

test('a paused leader refuses to serve when it wakes, and what it then takes on is unknown', () => {
  const stage = ledByA();
  stage.tell('a', { kind: 'applied', through: 2 });
  assert.equal(mayServe(stage.bench('a').core, stage.now), true);
  // Only a stands still: b waits out its timer, c has not heard from a for as long.
  stage.expire('b');
  bTakesOver(stage, 'timeout');
  assert.equal(mayServe(stage.bench('a').core, stage.now), false);
  stage.propose('a', 7, 'x');
  stage.deliver();
  stage.tells(
    `a writes 2.3
     a answers 7: unknown
     a is follower of term 3 (higher_term)
     a is follower of term 3 (leader_found)
     a truncates from 3
     a writes 3.3`,
  );
});

test('rules 33 and 34: leadership is handed on, and a second word to take over is too late', () => {
  const stage = ledByA();
  stage.tell('a', { kind: 'transfer', to: 'c' });
  const word = stage.intercept(stage.between('a', 'c'));
  stage.post(...word);
  stage.propose('a', 7, 'x');
  stage.deliver();
  stage.tells(
    `a answers 7: notLeader
     c is candidate of term 3 (transfer)
     a is follower of term 3 (higher_term)
     b is follower of term 3 (higher_term)
     c writes 3.3
     c is leader of term 3 (won)
     a is follower of term 3 (leader_found)
     a writes 3.3
     b is follower of term 3 (leader_found)
     b writes 3.3
     c commits 3`,
  );
  stage.post(...word);
  stage.deliver();
  stage.tells('');
});
