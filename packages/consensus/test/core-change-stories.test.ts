/**
 * Stories of changing memberships, told step by step.
 *
 * Owns    what single-server changes got wrong before 2015, a voter that does not know yet that it is one, a
 *         leader that removes itself, and one that crashes over it, a change on the wrong side of a partition,
 *         and what a removed voter may still do. Each trace is compared whole.
 * Rule    rules 38, 39, 41, 42; dissertation, 4.1 and 4.2.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Core, standingOf } from '../src/core/index.js';
import { command, membershipEntry, membershipOf } from './core-bench.js';
import { type Letter, Stage } from './core-stage.js';

const start = { terms: [1] };
const voters = (core: Core): string =>
  standingOf(core)
    .inForce.membership.voters.map(({ id }) => id)
    .join('');

/** Of one entry alike; a leads term 2 and its empty entry, 2, is committed everywhere. */
function ledByA(voting: string, learners = ''): Stage {
  const actors = [...voting, ...learners].map((id) => [id, { ...start, learners }]);
  const stage = new Stage(voting, Object.fromEntries(actors));
  stage.expire('a');
  stage.deliver();
  stage.beat('a');
  stage.deliver();
  for (const { core } of [...voting, ...learners].map((id) => stage.bench(id))) {
    assert.equal(core.commit, 2);
  }
  stage.trace();
  return stage;
}

test('rule 38, the flaw of 2015: a change waits for an entry of the leader’s own term', () => {
  const stage = ledByA('abcd', 'u');
  // a makes u a voter, which reaches u alone, and is cut off.
  stage.change('a', 7, { kind: 'promote', id: 'u' });
  stage.deliver(stage.between('a', 'u'));
  stage.intercept(() => true);
  stage.tells(
    `a writes 2.3(abcdu)
     u writes 2.3(abcdu)`,
  );
  // d leads with b and c, under the membership of four, and wants to remove a: two of b, c and d would do.
  stage.expire('d');
  stage.deliver(stage.between('b', 'c', 'd'), ({ message }) => message.kind === 'append');
  stage.change('d', 8, { kind: 'remove', id: 'a' });
  stage.deliver(stage.between('c', 'd'));
  stage.intercept(() => true);
  stage.tells(
    `d is preCandidate of term 2 (timeout)
     d is candidate of term 3 (pre_vote_won)
     b is follower of term 3 (higher_term)
     c is follower of term 3 (higher_term)
     d writes 3.3
     d is leader of term 3 (won)
     d answers 8: refused (termNotOpened)
     c is follower of term 3 (leader_found)
     c writes 3.3`,
  );
  // a is back and wins from b and u, three of its five. Had 8 been made, c and d would have committed it, and a
  // would now replace what is committed.
  stage.later(40);
  stage.expire('a');
  stage.deliver(stage.between('a', 'b', 'u'));
  stage.expire('a');
  stage.deliver();
  stage.tells(
    `a answers 7: unknown
     a is follower of term 3 (higher_term)
     a is preCandidate of term 3 (timeout)
     a is candidate of term 4 (pre_vote_won)
     b is follower of term 4 (higher_term)
     c is follower of term 4 (higher_term)
     d is follower of term 4 (higher_term)
     u is follower of term 4 (higher_term)
     a writes 4.4
     a is leader of term 4 (won)
     b is follower of term 4 (leader_found)
     c is follower of term 4 (leader_found)
     d is follower of term 4 (leader_found)
     u is follower of term 4 (leader_found)
     u writes 4.4
     b writes 2.3(abcdu) 4.4
     c truncates from 3
     c writes 2.3(abcdu) 4.4
     d truncates from 3
     d writes 2.3(abcdu) 4.4
     a commits 4`,
  );
});

test('rule 41: who believes that it is a learner answers votes: it may be a voter already', () => {
  const stage = ledByA('ab', 'c');
  stage.change('a', 7, { kind: 'promote', id: 'c' });
  stage.deliver(stage.between('a', 'b'));
  stage.intercept(() => true);
  for (const id of 'bc') stage.tell(id, { kind: 'link', peer: 'a', state: 'closed' });
  // a is gone for good. b and c are two of three, and c does not know that it counts.
  stage.deliver(stage.between('b', 'c'));
  stage.tells(
    `a writes 2.3(abc)
     b writes 2.3(abc)
     a answers 7: committed
     a commits 3
     b is preCandidate of term 2 (peer_closed)
     b is candidate of term 3 (pre_vote_won)
     c is follower of term 3 (higher_term)
     b writes 3.4
     b is leader of term 3 (won)
     c is follower of term 3 (leader_found)
     c writes 2.3(abc) 3.4
     b commits 4`,
  );
});

test('rule 42: a leader that removes itself leads until that is committed, then hands over', () => {
  const stage = ledByA('abc');
  const { now } = stage;
  stage.change('a', 7, { kind: 'remove', id: 'a' });
  stage.deliver();
  stage.tells(
    `a writes 2.3(bc)
     b writes 2.3(bc)
     c writes 2.3(bc)
     a answers 7: committed
     a commits 3
     a is follower of term 2 (removed)
     b is candidate of term 3 (transfer)
     c is follower of term 3 (higher_term)
     b writes 3.4
     b is leader of term 3 (won)
     c is follower of term 3 (leader_found)
     c writes 3.4
     b commits 4`,
  );
  assert.equal(stage.now, now, 'nobody waited for a timer');
});

test('figure 4.6: of two, the leader removes itself and crashes: it alone can bring that about', () => {
  const entries = [command(1, 1), membershipEntry(2, 1, membershipOf('b'))];
  // a holds the entry by which it is out, and b does not: b cannot win, for its log is shorter.
  const stage = new Stage('ab', { a: { entries }, b: start });
  stage.expire('b');
  stage.deliver();
  stage.expire('a');
  stage.expire('a');
  stage.deliver();
  stage.tells(
    `b is preCandidate of term 1 (timeout)
     b is follower of term 1 (lost)
     a is preCandidate of term 1 (timeout)
     a is candidate of term 2 (pre_vote_won)
     b is follower of term 2 (higher_term)
     a writes 2.3
     a is leader of term 2 (won)
     b is follower of term 2 (leader_found)
     b writes 1.2(b) 2.3
     a commits 3
     a is follower of term 2 (removed)
     b is candidate of term 3 (transfer)
     b writes 3.4
     b is leader of term 3 (won)
     b commits 4`,
  );
});

test('rule 39: a change in the smaller half of a partition is rolled back', () => {
  const stage = ledByA('abcde');
  stage.change('a', 7, { kind: 'remove', id: 'e' });
  stage.deliver(stage.between('a', 'b'));
  stage.intercept(() => true);
  assert.equal(voters(stage.bench('b').core), 'abcd');
  stage.tells(
    `a writes 2.3(abcd)
     b writes 2.3(abcd)`,
  );
  // The larger half goes on without them, and makes another change.
  stage.expire('c');
  stage.deliver(stage.between('c', 'd', 'e'));
  stage.expire('c');
  stage.deliver(stage.between('c', 'd', 'e'));
  stage.change('c', 8, { kind: 'remove', id: 'a' });
  stage.deliver(stage.between('c', 'd', 'e'));
  stage.tells(
    `c is preCandidate of term 2 (timeout)
     c is candidate of term 3 (pre_vote_won)
     d is follower of term 3 (higher_term)
     e is follower of term 3 (higher_term)
     c writes 3.3
     c is leader of term 3 (won)
     d is follower of term 3 (leader_found)
     d writes 3.3
     e is follower of term 3 (leader_found)
     e writes 3.3
     c commits 3
     d commits 3
     e commits 3
     c writes 3.4(bcde)
     d writes 3.4(bcde)
     e writes 3.4(bcde)
     c answers 8: committed
     c commits 4`,
  );
  // It ends. b gets all; a what was on its way to it before c removed it, and it votes in no election again.
  stage.beat('c');
  stage.deliver();
  stage.tells(
    `a answers 7: unknown
     a is follower of term 3 (higher_term)
     b is follower of term 3 (higher_term)
     a is follower of term 3 (leader_found)
     a truncates from 3
     a writes 3.3
     b is follower of term 3 (leader_found)
     b truncates from 3
     b writes 3.3
     d commits 4
     e commits 4
     b writes 3.4(bcde)
     b commits 3`,
  );
  stage.beat('c');
  stage.deliver();
  stage.tells('b commits 4');
  assert.equal(voters(stage.bench('a').core), 'abcde', 'its own change is gone there too');
  assert.deepEqual(
    [...'bcde'].map((id) => voters(stage.bench(id).core)),
    Array(4).fill('bcde'),
  );
});

test('rule 42: a removed voter that never heard of it disturbs nobody', () => {
  const stage = ledByA('abc');
  const cut = ({ from, to }: Letter): boolean => from === 'c' || to === 'c';
  stage.change('a', 7, { kind: 'remove', id: 'c' });
  stage.intercept(cut);
  stage.deliver();
  stage.tells(
    `a writes 2.3(ab)
     b writes 2.3(ab)
     a answers 7: committed
     a commits 3`,
  );
  // Its timer runs out while the others hear their leader: they stand by it.
  stage.beat('a');
  stage.deliver();
  stage.expire('c');
  stage.deliver();
  stage.tells(
    `b commits 3
     c is preCandidate of term 2 (timeout)
     c is follower of term 2 (lost)`,
  );
  // And where they do not, its log is too old.
  stage.later(100);
  stage.expire('c');
  stage.expire('c');
  stage.deliver();
  stage.tells(
    `c is preCandidate of term 2 (timeout)
     c is follower of term 2 (lost)`,
  );
  assert.equal(stage.bench('c').core.hard.term, 2, 'and its term does not climb');
});
