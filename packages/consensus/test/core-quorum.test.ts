/**
 * The arithmetic of majorities.
 *
 * Owns    naive twins that count by hand, and share no code with what they test.
 * Rule    rules 6, 30; dissertation, 3.4.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { majority, reachedByMajority, Tally } from '../src/core/quorum.js';

test('any two majorities share a voter, and one fewer would not be a majority', () => {
  for (let voters = 1; voters <= 9; voters += 1) {
    assert.ok(majority(voters) * 2 > voters);
    assert.ok((majority(voters) - 1) * 2 <= voters);
  }
});

test('what a majority has reached is the highest value that more than half are at or above', () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(Number.POSITIVE_INFINITY));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 7 }), (values) => {
      const reached = reachedByMajority(values);
      const atOrAbove = (bar: number) => values.filter((each) => each >= bar).length;
      assert.ok(atOrAbove(reached) * 2 > values.length, 'a majority is there');
      for (const higher of values.filter((each) => each > reached)) {
        assert.ok(atOrAbove(higher) * 2 <= values.length, 'and not higher');
      }
    }),
  );
});

test('rule 6: a tally counts each current voter once, by its first answer', () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'stranger'];
  const answer = fc.tuple(fc.constantFrom(...ids), fc.boolean());
  const someVoters = fc.subarray(ids.slice(0, 5), { minLength: 1 });
  fc.assert(
    fc.property(someVoters, fc.array(answer, { maxLength: 15 }), (voters, answers) => {
      const tally = new Tally();
      for (const [voter, granted] of answers) tally.record(voter, granted);
      const first = (voter: string) => answers.find(([id]) => id === voter)?.[1];
      const granted = voters.filter((voter) => first(voter) === true).length;
      const refused = voters.filter((voter) => first(voter) === false).length;
      const canWin = (voters.length - refused) * 2 > voters.length;
      const expected = granted * 2 > voters.length ? 'won' : canWin ? 'open' : 'lost';
      assert.equal(tally.outcome(voters), expected);
      for (const id of ids) {
        assert.equal(tally.has(id), first(id) !== undefined);
        assert.equal(tally.granted(id), first(id) === true);
      }
    }),
  );
});
