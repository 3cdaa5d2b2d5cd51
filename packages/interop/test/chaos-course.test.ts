/** The order of the faults is the seed's alone, each kind gets its turn, and a second one comes only where a quorum survives two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue, isOfOneReplica } from '../src/chaos/catalogue.js';
import { Chance } from '../src/chaos/chance.js';
import { deals, nextRound } from '../src/chaos/course.js';

function rounds(seed: number, tolerance: number, count: number): readonly (readonly string[])[] {
  const chance = new Chance(seed);
  const deck = deals(catalogue, chance);
  return Array.from({ length: count }, () =>
    nextRound(deck, tolerance, chance).map(({ name }) => name),
  );
}

test('the same seed gives the same rounds, another seed others', () => {
  assert.deepEqual(rounds(7, 2, 60), rounds(7, 2, 60));
  assert.notDeepEqual(rounds(7, 2, 60), rounds(8, 2, 60));
});

test('every kind is played before one is played again', () => {
  const played = rounds(7, 1, catalogue.length).flat();
  assert.deepEqual([...played].sort(), catalogue.map(({ name }) => name).sort());
});

test('two at once come only where two replicas may be lost, and are of one replica each', () => {
  assert.ok(rounds(7, 1, 200).every((round) => round.length === 1));
  const pairs = rounds(7, 2, 200).filter((round) => round.length === 2);
  assert.ok(pairs.length > 20, `${pairs.length} pairs`);
  const single = new Set(catalogue.filter(isOfOneReplica).map(({ name }) => name));
  for (const name of pairs.flat()) assert.ok(single.has(name), name);
});

test('kinds are told apart by their names', () => {
  assert.equal(new Set(catalogue.map(({ name }) => name)).size, catalogue.length);
});
