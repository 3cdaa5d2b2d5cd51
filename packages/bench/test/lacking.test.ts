/** What a span of commits says of one validator. Commits are written by hand: the judgement reads nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Commit } from '@cometkms/interop';
import { figuresOf, heightsLacking } from '../src/network/lacking.js';

/** One letter for each of four votes, the first being the judged one's: block, nil, absent. */
function commits(...votes: readonly string[]): readonly Commit[] {
  return votes.map((letters, i) => ({
    height: BigInt(i + 1),
    round: letters.endsWith('+') ? 1 : 0,
    timeMs: 1000 * i,
    canonical: true,
    signatures: ['judged', 'x', 'y', 'z'].flatMap((address, at) => {
      const letter = letters[at];
      if (letter === '-') return [];
      return [{ height: BigInt(i + 1), address, signature: '', forBlock: letter === 'b' }];
    }),
  }));
}

const figures = (killedAtMs: readonly number[], ...votes: readonly string[]) =>
  figuresOf({ commits: commits(...votes), judged: 'judged', others: ['x', 'y', 'z'], killedAtMs });

const rows = [
  ['a vote for each block lacks nothing', ['bbbb', 'bbbb'], { lacking: 0, mostInARow: 0 }],
  ['an absent vote is lacking', ['bbbb', '-bbb', 'bbbb'], { lacking: 1, mostInARow: 1 }],
  ['a vote for nil is lacking', ['nbbb', 'bbbb'], { lacking: 1, mostInARow: 1 }],
  ['the others are counted apart', ['b-bb', 'bnb-'], { lacking: 0, lackingOfOthers: 3 }],
  ['the longest run counts', ['-bbb', 'bbbb', '-bbb', 'nbbb'], { lacking: 3, mostInARow: 2 }],
  ['a round after the first is counted', ['bbbb', 'bbbb+'], { laterRounds: 1, lacking: 0 }],
] as const;

for (const [why, votes, wanted] of rows) {
  test(why, () => {
    const found = figures([], ...votes);
    const compared = Object.keys(wanted).map((name) => [name, found[name]]);
    assert.deepEqual(Object.fromEntries(compared), wanted);
    assert.equal(found['heights'], votes.length);
  });
}

test('heights that lack the vote are named', () => {
  const span = { commits: commits('bbbb', '-bbb', 'b-bb', 'nbbb'), judged: 'judged' };
  assert.deepEqual(heightsLacking({ ...span, others: [], killedAtMs: [] }), [2n, 4n]);
});

test('a kill counts where it fell between the first block and the last', () => {
  const found = figures([-1, 0, 1500, 2000, 2001], 'bbbb', 'bbbb', 'bbbb');
  assert.deepEqual([found['kills'], found['killsInSpan']], [5, 3]);
});

test('times from block to block are those of the headers', () => {
  const [first, second, third] = commits('bbbb', 'bbbb', 'bbbb');
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const late = { ...third, timeMs: 4000 };
  const found = figuresOf({
    ...{ commits: [first, second, late], judged: 'judged', others: [], killedAtMs: [] },
  });
  assert.deepEqual([found['gapP50'], found['gapMax']], [1000, 3000]);
});
