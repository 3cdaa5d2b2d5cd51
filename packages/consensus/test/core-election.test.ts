/**
 * Elections, one call at a time: the whole list of what each input makes the core ask for.
 *
 * Owns    rules 1 to 8, 10, 28, 30, 32 at the outputs.
 * Never   looks only for what should be there: what should not is compared too.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Message, statusOf } from '../src/core/index.js';
import { append, Bench, command, receipt, refused, withoutWakes } from './core-bench.js';

const vote = (term: number, lastIndex = 0, lastTerm = 0, transfer = false): Message => ({
  kind: 'vote',
  term,
  lastIndex,
  lastTerm,
  transfer,
});
const voteReply = (term: number, granted: boolean): Message => ({
  kind: 'voteReply',
  term,
  granted,
});
const preVote = (term: number, lastIndex = 0, lastTerm = 0): Message => ({
  kind: 'preVote',
  term,
  lastIndex,
  lastTerm,
});
const preVoteReply = (term: number, granted: boolean): Message => ({
  kind: 'preVoteReply',
  term,
  granted,
});

// ------------------------------------------------------------------------------------- voting

test('rules 1 and 2: a granted vote waits for one record of term and vote', () => {
  const bench = new Bench();
  assert.deepEqual(bench.hear('b', vote(5)), [
    ['persist', receipt(1), { hard: { term: 5, votedFor: 'b' } }],
    ['changed', { role: 'follower', term: 5, leader: null, reason: 'higher_term' }],
    ['promise', 'b', voteReply(5, true), receipt(1)],
    ['wakeAt', 1020],
  ]);
});

test('rule 1: a repeated request is answered with the same receipt, though nothing is new', () => {
  const bench = new Bench();
  bench.hear('b', vote(5));
  assert.deepEqual(bench.hear('b', vote(5)), [['promise', 'b', voteReply(5, true), receipt(1)]]);
});

test('a vote is given once in a term', () => {
  const bench = new Bench();
  bench.hear('b', vote(5));
  assert.deepEqual(bench.hear('c', vote(5)), [['promise', 'c', voteReply(5, false), receipt(1)]]);
});

test('a vote for this term that was still open is one record with the term', () => {
  const bench = new Bench({ hard: { term: 5, votedFor: null } });
  assert.deepEqual(withoutWakes(bench.hear('c', vote(5))), [
    ['persist', receipt(1), { hard: { term: 5, votedFor: 'c' } }],
    ['promise', 'c', voteReply(5, true), receipt(1)],
  ]);
});

test('rule 7: from a candidate whose log is behind the term is adopted, no vote given', () => {
  const bench = new Bench({ terms: [1, 2] });
  assert.deepEqual(withoutWakes(bench.hear('b', vote(5, 9, 1))), [
    ['persist', receipt(1), { hard: { term: 5, votedFor: null } }],
    ['changed', { role: 'follower', term: 5, leader: null, reason: 'higher_term' }],
    ['promise', 'b', voteReply(5, false), receipt(1)],
  ]);
});

test('a refused candidate does not restart the timer, a granted one does', () => {
  const bench = new Bench({ terms: [1, 2] });
  bench.follow('c', 3);
  bench.now = 1020;
  bench.hear('b', vote(5, 9, 1));
  assert.deepEqual([bench.core.hard.term, bench.core.electionDeadline], [5, 1020]);
  bench.hear('b', vote(6, 2, 2));
  assert.deepEqual([bench.core.hard.term, bench.core.electionDeadline], [6, 1040]);
});

test('rule 3: stepping down within the term keeps the vote', () => {
  const bench = new Bench().campaign();
  bench.hear('c', append(1, [0, 0], []));
  assert.equal(statusOf(bench.core, bench.now).leader, 'c');
  assert.deepEqual(bench.core.hard, { term: 1, votedFor: 'a' });
  assert.deepEqual(withoutWakes(bench.hear('b', vote(1))), [
    ['promise', 'b', voteReply(1, false), receipt(1)],
  ]);
});

test('rule 8: a vote asked for in a term that is over is dropped', () => {
  const bench = new Bench({ hard: { term: 5, votedFor: null } });
  assert.deepEqual(withoutWakes(bench.hear('b', vote(4))), []);
});

test('rule 41: a learner answers votes, and never campaigns', () => {
  const bench = new Bench({ voters: 'bcd', learners: 'a' });
  assert.deepEqual(bench.hear('b', vote(1)), [
    ['persist', receipt(1), { hard: { term: 1, votedFor: 'b' } }],
    ['changed', { role: 'follower', term: 1, leader: null, reason: 'higher_term' }],
    ['promise', 'b', voteReply(1, true), receipt(1)],
  ]);
  assert.deepEqual(bench.wake(5000), [['wakeAt', Number.POSITIVE_INFINITY]]);
});

// --------------------------------------------------------------------------------- stickiness

test('rule 28: who hears a leader refuses a pre-vote and does not even see a vote', () => {
  const bench = new Bench().follow('b', 3);
  assert.deepEqual(bench.hear('c', preVote(4)), [['send', 'c', preVoteReply(3, false)]]);
  assert.deepEqual(bench.hear('c', vote(4)), []);
});

test('rule 28: stickiness ends with the timer, the own link to the leader, or a transfer', () => {
  const late = new Bench().follow('b', 3);
  late.now += 20;
  assert.deepEqual(late.hear('c', preVote(4)), [['send', 'c', preVoteReply(4, true)]]);
  // The first in rank, d, asks at once on its own; this one waits, and meanwhile lets it pass.
  const cut = new Bench({ voters: 'dabc' }).follow('b', 3);
  cut.tell({ kind: 'link', peer: 'b', state: 'closed' });
  assert.deepEqual(cut.hear('d', preVote(4)), [
    ['send', 'd', preVoteReply(4, true)],
    ['wakeAt', 1005],
  ]);
  const asked = new Bench().follow('b', 3);
  assert.equal(asked.hear('c', vote(4, 0, 0, true)).length > 0, true);
  assert.deepEqual(asked.core.hard, { term: 4, votedFor: 'c' });
});

test('another link than the leader’s lifts nothing', () => {
  const bench = new Bench().follow('b', 3);
  assert.deepEqual(bench.tell({ kind: 'link', peer: 'c', state: 'closed' }), []);
  assert.deepEqual(bench.hear('c', preVote(4)), [['send', 'c', preVoteReply(3, false)]]);
});

test('rule 36: after its start a voter grants nothing for one election timeout', () => {
  const bench = new Bench();
  bench.now = 19;
  assert.deepEqual(withoutWakes(bench.hear('b', preVote(1))), [
    ['send', 'b', preVoteReply(0, false)],
  ]);
  bench.now = 20;
  assert.deepEqual(withoutWakes(bench.hear('b', preVote(1))), [
    ['send', 'b', preVoteReply(1, true)],
  ]);
});

// ----------------------------------------------------------------------------------- pre-vote

test('rule 4: pre-vote changes neither term nor vote at the voter', () => {
  const bench = new Bench({ hard: { term: 3, votedFor: 'c' } });
  assert.deepEqual(withoutWakes(bench.hear('b', preVote(9))), [
    ['send', 'b', preVoteReply(9, true)],
  ]);
  assert.deepEqual(bench.core.hard, { term: 3, votedFor: 'c' });
});

test('rule 4: nor at the one that asks', () => {
  const bench = new Bench({ hard: { term: 3, votedFor: 'c' } });
  assert.deepEqual(bench.tell({ kind: 'wake' }), [
    ['changed', { role: 'preCandidate', term: 3, leader: null, reason: 'timeout' }],
    ['send', 'b', preVote(4)],
    ['send', 'c', preVote(4)],
    ['wakeAt', 1005],
  ]);
  assert.deepEqual(bench.core.hard, { term: 3, votedFor: 'c' });
});

test('rule 8: a pre-vote of an old term learns the current one', () => {
  const bench = new Bench({ hard: { term: 7, votedFor: null } });
  assert.deepEqual(withoutWakes(bench.hear('b', preVote(4))), [
    ['send', 'b', preVoteReply(7, false)],
  ]);
  const asker = new Bench();
  asker.tell({ kind: 'wake' });
  assert.deepEqual(withoutWakes(asker.hear('b', preVoteReply(7, false))), [
    ['persist', receipt(1), { hard: { term: 7, votedFor: null } }],
    ['changed', { role: 'follower', term: 7, leader: null, reason: 'higher_term' }],
  ]);
});

test('rule 30: who loses a pre-vote returns to follower in its term, tally forgotten', () => {
  const bench = new Bench({ voters: 'abcde' });
  bench.tell({ kind: 'wake' });
  bench.hear('b', preVoteReply(1, true));
  bench.hear('c', preVoteReply(0, false));
  bench.hear('d', preVoteReply(0, false));
  assert.deepEqual(withoutWakes(bench.hear('e', preVoteReply(0, false))), [
    ['changed', { role: 'follower', term: 0, leader: null, reason: 'lost' }],
  ]);
  bench.wake(bench.core.electionDeadline);
  assert.equal(bench.core.role.kind, 'preCandidate');
  // With b's earlier grant this one would be the third.
  assert.deepEqual(bench.hear('c', preVoteReply(1, true)), []);
});

// -------------------------------------------------------------------------------- campaigning

test('rules 1 and 10: a candidate’s requests wait for its own term and vote', () => {
  const bench = new Bench({ terms: [1, 2] });
  bench.tell({ kind: 'wake' });
  assert.deepEqual(bench.hear('c', preVoteReply(3, true)), [
    ['persist', receipt(1), { hard: { term: 3, votedFor: 'a' } }],
    ['changed', { role: 'candidate', term: 3, leader: null, reason: 'pre_vote_won' }],
    ['promise', 'b', vote(3, 2, 2), receipt(1)],
    ['promise', 'c', vote(3, 2, 2), receipt(1)],
  ]);
  // Asked again only once the first requests could leave.
  assert.deepEqual(bench.wake(1005), [['wakeAt', 1010]]);
});

test('those who have not answered are asked again with each beat, until the timer runs out', () => {
  const bench = new Bench({ voters: 'abcde' }).campaign();
  bench.hear('c', voteReply(1, false));
  assert.deepEqual(bench.wake(1005), [
    ['promise', 'b', vote(1), receipt(1)],
    ['promise', 'd', vote(1), receipt(1)],
    ['promise', 'e', vote(1), receipt(1)],
    ['wakeAt', 1010],
  ]);
  bench.wake(1020);
  assert.equal(bench.core.role.kind, 'preCandidate');
});

test('rule 1: its own vote counts once it is durable, whatever others say before', () => {
  const bench = new Bench({ voters: 'abc' });
  bench.tell({ kind: 'wake' });
  bench.hear('c', preVoteReply(1, true));
  assert.deepEqual(bench.hear('b', voteReply(1, true)), []);
  assert.deepEqual(bench.hear('c', voteReply(1, true)), []);
  assert.equal(bench.core.role.kind, 'candidate');
  bench.durable();
  assert.equal(bench.core.role.kind, 'leader');
});

test('rule 1: that an earlier write became durable says nothing about the vote after it', () => {
  const bench = new Bench().follow('b', 3);
  bench.hear('b', append(3, [0, 0], [command(1, 3)]));
  bench.tell({ kind: 'link', peer: 'b', state: 'closed' });
  bench.hear('c', preVoteReply(4, true));
  bench.hear('c', voteReply(4, true));
  assert.deepEqual(bench.durable(2), []);
  assert.equal(bench.core.role.kind, 'candidate');
  bench.durable(3);
  assert.equal(bench.core.role.kind, 'leader');
});

test('rule 25: the winner opens its term with an empty entry, sent with the announcement', () => {
  const bench = new Bench({ terms: [1] }).campaign();
  const empty = { kind: 'empty', index: 2, term: 2 } as const;
  assert.deepEqual(bench.hear('c', voteReply(2, true)), [
    ['persist', receipt(2), { entries: [empty] }],
    ['promise', 'b', append(2, [1, 1], [empty], 0, 1), receipt(1)],
    ['promise', 'c', append(2, [1, 1], [empty], 0, 2), receipt(1)],
    ['changed', { role: 'leader', term: 2, leader: 'a', reason: 'won' }],
  ]);
});

test('rule 6: votes count once, in their term, and from voters', () => {
  const bench = new Bench({ voters: 'abcde', learners: 'f' });
  bench.tell({ kind: 'wake' });
  for (const voter of 'bc') bench.hear(voter, preVoteReply(1, true));
  bench.durable();
  const worthless: readonly (readonly [from: string, Message])[] = [
    ['b', voteReply(1, true)],
    ['b', voteReply(1, true)],
    ['f', voteReply(1, true)],
    ['x', voteReply(1, true)],
    ['c', voteReply(0, true)],
    ['d', voteReply(1, false)],
    ['d', voteReply(1, true)],
  ];
  for (const [from, reply] of worthless) assert.deepEqual(bench.hear(from, reply), []);
  bench.hear('c', voteReply(1, true));
  assert.equal(bench.core.role.kind, 'leader');
});

test('a candidate that cannot win any more returns to follower, its vote still given', () => {
  const bench = new Bench().campaign();
  bench.hear('b', voteReply(1, false));
  assert.deepEqual(withoutWakes(bench.hear('c', voteReply(1, false))), [
    ['changed', { role: 'follower', term: 1, leader: null, reason: 'lost' }],
  ]);
  assert.deepEqual(bench.core.hard, { term: 1, votedFor: 'a' });
});

test('a sole voter leads and commits once its own writes are durable', () => {
  const bench = new Bench({ voters: 'a' });
  assert.deepEqual(bench.tell({ kind: 'wake' }), [
    ['changed', { role: 'preCandidate', term: 0, leader: null, reason: 'timeout' }],
    ['persist', receipt(1), { hard: { term: 1, votedFor: 'a' } }],
    ['changed', { role: 'candidate', term: 1, leader: null, reason: 'timeout' }],
    ['wakeAt', 1005],
  ]);
  assert.deepEqual(bench.durable(), [
    ['persist', receipt(2), { entries: [{ kind: 'empty', index: 1, term: 1 }] }],
    ['changed', { role: 'leader', term: 1, leader: 'a', reason: 'won' }],
    ['wakeAt', Number.POSITIVE_INFINITY],
  ]);
  assert.deepEqual(bench.durable(), [['commit', 1]]);
});

// ----------------------------------------------------------------------------- terms and time

test('rule 10: a term seen elsewhere is on disk before this replica speaks in it', () => {
  const bench = new Bench().follow('b', 3);
  assert.deepEqual(withoutWakes(bench.hear('c', append(4, [0, 0], []))), [
    ['persist', receipt(2), { hard: { term: 4, votedFor: null } }],
    ['changed', { role: 'follower', term: 4, leader: 'c', reason: 'leader_found' }],
    ['promise', 'c', { ...refused(4, 0, 0), refused: false }, receipt(2)],
  ]);
});

test('rule 8: the leader of a term that is over is told the current one', () => {
  const bench = new Bench({ hard: { term: 7, votedFor: null } });
  assert.deepEqual(withoutWakes(bench.hear('b', append(4, [3, 3], [], 0, 9))), [
    ['promise', 'b', refused(7, 0, 0, 9), receipt(0)],
  ]);
});

test('ranks are a quarter of the timeout apart, and move on with each failure', () => {
  const bench = new Bench({ voters: 'bac' }).follow('b', 1);
  // Without b, this one is the first.
  assert.equal(bench.core.electionDeadline, 1020);
  bench.wake(1020);
  assert.equal(bench.core.role.kind, 'preCandidate');
  // Nobody answers: soon again, and from now on as one of three.
  assert.equal(bench.core.electionDeadline, 1020 + 5);
  bench.wake(1025);
  assert.equal(bench.core.failedAttempts, 1);
  assert.equal(bench.core.electionDeadline, 1025 + 5 + 10);
  bench.wake(1040);
  // Patience is back from the second failure on; rank (1 + 2) mod 3 = 0.
  assert.equal(bench.core.electionDeadline, 1040 + 20);
});

test('a witness stands for election last', () => {
  const asWitness = new Bench({ voters: 'abc', witnesses: 'a' }).follow('b', 1);
  assert.equal(asWitness.core.electionDeadline, 1025);
  const beside = new Bench({ voters: 'bac', witnesses: 'b' }).follow('c', 1);
  assert.equal(beside.core.electionDeadline, 1020);
});

test('rule 32: timers are drawn anew at each reset', () => {
  const bench = new Bench({ config: { electionTimeoutMs: 120, heartbeatIntervalMs: 25 } });
  const delays = new Set<number>();
  for (let n = 0; n < 40; n += 1) {
    bench.hear('b', append(1, [0, 0], []));
    delays.add(bench.core.electionDeadline - bench.now);
  }
  assert.deepEqual([...delays].sort(), [120, 121, 122, 123, 124, 125]);
});

// ---------------------------------------------------------------------------- the closed hint

test('a closed link to the leader makes the first in rank ask at once', () => {
  const bench = new Bench().follow('b', 3);
  assert.deepEqual(bench.tell({ kind: 'link', peer: 'b', state: 'closed' }), [
    ['changed', { role: 'preCandidate', term: 3, leader: null, reason: 'peer_closed' }],
    ['send', 'b', preVote(4)],
    ['send', 'c', preVote(4)],
    ['wakeAt', 1005],
  ]);
});

test('the next in rank waits a fortieth of the timeout; a word of the leader calls it off', () => {
  const bench = new Bench({ voters: 'cab' }).follow('b', 3);
  assert.deepEqual(bench.tell({ kind: 'link', peer: 'b', state: 'closed' }), [['wakeAt', 1000.5]]);
  bench.hear('b', append(3, [0, 0], []));
  assert.equal(bench.core.hintDeadline, Number.POSITIVE_INFINITY);
  bench.tell({ kind: 'link', peer: 'b', state: 'closed' });
  bench.tell({ kind: 'link', peer: 'b', state: 'up' });
  assert.equal(bench.core.hintDeadline, Number.POSITIVE_INFINITY);
});

// --------------------------------------------------------------------- two that ask at once

/** `b` led and is gone; this replica, `a`, has asked. */
const asking = (voters: string): Bench => {
  const bench = new Bench({ voters }).follow('b', 3);
  bench.tell({ kind: 'link', peer: 'b', state: 'closed' });
  if (bench.core.role.kind === 'follower') bench.wake(bench.core.hintDeadline);
  assert.equal(bench.core.role.kind, 'preCandidate');
  return bench;
};

test('two that ask at once do not grant each other: the first in line prevails', () => {
  const first = asking('acb');
  assert.deepEqual(first.hear('c', preVote(4)), [['send', 'c', preVoteReply(3, false)]]);
  assert.equal(first.core.role.kind, 'preCandidate');
  const second = asking('cab');
  assert.deepEqual(withoutWakes(second.hear('c', preVote(4))), [
    ['changed', { role: 'follower', term: 3, leader: null, reason: 'lost' }],
    ['send', 'c', preVoteReply(4, true)],
  ]);
  assert.equal(second.core.electionDeadline, second.now + 5, 'it asks again a heartbeat later');
  // A grant that it had asked for before comes to nobody who campaigns.
  assert.deepEqual(second.hear('c', preVoteReply(4, true)), []);
});

test('of two that ask at once, the one with the longer log prevails, whatever its place', () => {
  const bench = asking('acb');
  assert.deepEqual(withoutWakes(bench.hear('c', preVote(4, 1, 3))), [
    ['changed', { role: 'follower', term: 3, leader: null, reason: 'lost' }],
    ['send', 'c', preVoteReply(4, true)],
  ]);
});

test('whoever was refused by the one that asks now, or failed before, holds up nobody', () => {
  const refusedBy = asking('acb');
  refusedBy.hear('c', preVoteReply(3, false));
  assert.deepEqual(withoutWakes(refusedBy.hear('c', preVote(4))), [
    ['changed', { role: 'follower', term: 3, leader: null, reason: 'lost' }],
    ['send', 'c', preVoteReply(4, true)],
  ]);
  const failed = asking('acb');
  failed.wake(failed.core.electionDeadline);
  assert.deepEqual(withoutWakes(failed.hear('c', preVote(4))), [
    ['send', 'c', preVoteReply(4, true)],
  ]);
  assert.equal(failed.core.role.kind, 'preCandidate', 'and its own second attempt goes on');
});

test('rule 42: nobody makes way for one that is no voter', () => {
  const bench = asking('cab');
  assert.deepEqual(bench.hear('x', preVote(4)), [['send', 'x', preVoteReply(4, true)]]);
  assert.equal(bench.core.role.kind, 'preCandidate');
});

test('who grants the question puts its own hint off, never beyond its timer', () => {
  const bench = new Bench({ voters: 'cab' }).follow('b', 3);
  bench.tell({ kind: 'link', peer: 'b', state: 'closed' });
  const timer = bench.core.electionDeadline;
  for (let n = 0; n < 10; n += 1) {
    bench.hear('c', preVote(4));
    assert.equal(bench.core.hintDeadline, bench.now + 5);
    bench.now += 4;
    if (bench.now + 4 > timer) break;
  }
  assert.equal(bench.core.electionDeadline, timer);
});
