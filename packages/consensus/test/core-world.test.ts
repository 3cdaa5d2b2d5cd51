/**
 * The core in a world that loses, delays, cuts, pauses, crashes and changes its members, some hundred seeds of it.
 *
 * Owns    what happens to the world, and what must be true once it is left in peace.
 * Rule    safety is checked at each step (core-oracle.ts); liveness after healing.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onViolation } from '@cometkms/invariant';
import { type MembershipChange, mayServe, standingOf } from '../src/core/index.js';
import { Dice, memberOf, type Replica, World } from './core-world.js';

const seeds = 500;
const faultyMs = 4000;
const electionTimeoutMs = 120;
let undo: () => void;

before(() => {
  undo = onViolation((violation) => {
    throw violation;
  });
});
after(() => undo());

type Fault = (world: World, victim: Replica, other: Replica) => void;

const faults: readonly Fault[] = [
  function crashes(world, victim) {
    const { dice } = world;
    world.crash(victim, dice.chance(0.5));
    world.at(dice.roll() * 300, () => {
      if (victim.core === null) world.start(victim);
    });
  },
  function crashesInTheMiddleOfAWrite(world, victim) {
    world.propose(victim);
    world.crash(victim, true);
    world.start(victim);
  },
  function standsStill(world, victim) {
    world.pause(victim, world.dice.roll() * 400);
  },
  function isHeardByOneLess(world, victim, other) {
    world.cut(victim.id, other.id);
    if (world.dice.chance(0.5)) world.cut(other.id, victim.id);
  },
  function isCutOff(world, victim) {
    const mute = world.dice.chance(0.5);
    for (const { id } of world.replicas) {
      world.cut(victim.id, id);
      if (!mute) world.cut(id, victim.id);
    }
  },
  function believesALinkClosed(world, victim, other) {
    world.tell(victim, { kind: 'link', peer: other.id, state: 'closed' });
    world.at(30, () => world.tell(victim, { kind: 'link', peer: other.id, state: 'up' }));
  },
  function handsOver(world, victim, other) {
    world.tell(victim, { kind: 'transfer', to: world.dice.chance(0.5) ? null : other.id });
  },
  function compacts(world, victim) {
    if (victim.core !== null) world.compact(victim);
  },
];

/** Somebody asks each who leads, or believes so, for a change that may make sense or not. */
function changesTheMembership(world: World): void {
  const { dice, replicas } = world;
  for (const leader of replicas) {
    if (leader.core?.role.kind !== 'leader') continue;
    const { voters, learners } = standingOf(leader.core).inForce.membership;
    const members = [...voters, ...learners].map(({ id }) => id);
    const member = memberOf(dice.pick(replicas).id);
    const changes: readonly MembershipChange[] = [
      { kind: 'addLearner', member },
      { kind: 'remove', id: dice.chance(0.3) ? leader.id : dice.pick(members) },
      { kind: 'replace', id: dice.pick(members), member },
      ...learners.map(({ id }) => ({ kind: 'promote', id }) as const),
      ...learners.map(({ id }) => ({ kind: 'promote', id }) as const),
    ];
    const change = dice.pick(changes);
    const shrinks = change.kind === 'remove' || change.kind === 'replace';
    if (!shrinks || voters.length > 1) world.change(leader, change);
  }
}

/** Every other seed has spares, and changes of the membership among its faults. */
const hasSpares = (seed: number): boolean => seed % 2 === 0;

function run(seed: number): World {
  const voters = seed % 3 === 0 ? 5 : 3;
  const world = new World(seed, voters, seed % 4 === 0 ? 1 : 0, hasSpares(seed) ? 6 : 0);
  const { dice, replicas } = world;
  // Each run draws its own weather and its own faults; some have none of a kind.
  const some = (most: number): number => (dice.chance(0.5) ? dice.roll() * most : 0);
  world.weather = {
    loss: some(0.2),
    doubling: some(0.2),
    heavyDelay: some(0.2),
    syncMs: 1 + some(20),
    slowWrites: some(0.1),
  };
  const drawn = faults.filter(() => dice.chance(0.7));
  const pace = 10 + dice.roll() * 80;
  const mending = 0.2 + dice.roll() * 0.6;
  // Of its own: the rest of the run does not depend on it.
  const notes = new Dice(seed + 1_000_000);
  const changing = hasSpares(seed) ? 0.05 + dice.roll() * 0.4 : 0;
  while (world.now < faultyMs) {
    world.runFor(dice.roll() * pace);
    if (dice.chance(changing)) changesTheMembership(world);
    for (const replica of replicas) if (dice.chance(0.5)) world.propose(replica);
    for (const replica of replicas) {
      if (notes.chance(0.2)) world.note(replica, notes.chance(0.3));
    }
    if (dice.chance(mending)) world.mend();
    const fault = drawn.length > 0 && dice.chance(0.5) ? dice.pick(drawn) : null;
    fault?.(world, dice.pick(replicas), dice.pick(replicas));
  }
  return world;
}

function leaderOf(world: World) {
  return world.replicas.find(({ core }) => core !== null && mayServe(core, world.now)) ?? null;
}

/** Left in peace: a leader within ten timeouts, everyone at one end, every ticket answered. */
function converge(world: World): void {
  world.heal();
  // Pauses end, and words of the faulty time are still under way; they may cost one more election.
  world.runFor(600);
  for (let rounds = 0; rounds < 10 && leaderOf(world) === null; rounds += 1) {
    world.runFor(electionTimeoutMs);
  }
  const leader = leaderOf(world);
  assert.ok(leader !== null, 'no leader within ten election timeouts');
  const committed = world.oracle.highestCommitted;
  world.propose(leader);
  world.runFor(200);
  assert.ok(world.oracle.highestCommitted > committed, 'a healthy cluster commits');
  assert.ok(leader.core !== null);
  const { voters, learners } = standingOf(leader.core).inForce.membership;
  const members = new Set([...voters, ...learners].map(({ id }) => id));
  for (const replica of world.replicas) {
    assert.deepEqual(replica.tickets, [], `${replica.id} has no open ticket`);
    if (!members.has(replica.id)) continue;
    assert.equal(replica.applied, world.oracle.highestCommitted, `${replica.id} caught up`);
    assert.equal(replica.state, leader.state, `${replica.id} has the same state`);
  }
  world.oracle.settle();
}

test(`nothing goes wrong for good in ${seeds} faulty worlds`, () => {
  const reached = {
    ...{ crashes: 0, truncations: 0, restores: 0, stalls: 0, terms: 0, commits: 0 },
    ...{ changes: 0, rollbacks: 0, removedLeaders: 0 },
  };
  const outcomes = { committed: 0, notLeader: 0, unknown: 0, refused: 0 };
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      const world = run(seed);
      converge(world);
      reached.crashes += world.counts.crashes;
      reached.truncations += world.counts.truncations;
      reached.restores += world.counts.restores;
      reached.stalls += world.counts.stalls;
      reached.rollbacks += world.counts.rollbacks;
      reached.removedLeaders += world.counts.removedLeaders;
      reached.changes += world.oracle.changesCommitted;
      reached.terms += world.oracle.terms;
      reached.commits += world.oracle.highestCommitted;
      for (const { kind } of world.oracle.outcomes.values()) outcomes[kind] += 1;
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    }
  }
  // A calm world would prove nothing: the situations were reached.
  const atLeast = {
    ...{ crashes: 5, truncations: 0.3, restores: 0.3, stalls: 1, terms: 5, commits: 20 },
    ...{ changes: 1, rollbacks: 0.02, removedLeaders: 0.05 },
  };
  for (const [name, perSeed] of Object.entries(atLeast)) {
    const seen = reached[name as keyof typeof reached];
    assert.ok(seen >= perSeed * seeds, `${name}: only ${seen} in ${seeds} seeds`);
  }
  for (const [kind, seen] of Object.entries(outcomes)) assert.ok(seen > seeds, `${kind}: ${seen}`);
});

test('the same seed gives the same world', () => {
  const [first, second] = [run(7), run(7)];
  assert.deepEqual(first.counts, second.counts);
  assert.deepEqual(
    first.replicas.map(({ state, applied }) => [state, applied]),
    second.replicas.map(({ state, applied }) => [state, applied]),
  );
});
