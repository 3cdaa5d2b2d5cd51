/**
 * The small worlds that are searched in every run; planted bugs are found in them; and what is searched is production.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as closedCore from '@cometkms/consensus/core';
import { applyCommand } from '@cometkms/sign-state';
import * as signer from '@cometkms/signer';
import { openRooms } from '../src/small-worlds/opening.js';
import { plantedBugs } from '../src/small-worlds/planted.js';
import { Search } from '../src/small-worlds/search.js';
import { quickWorlds, worldNamed, worlds } from '../src/small-worlds/worlds.js';
import { walkBoth } from './small-worlds-walk.js';

/** For each search: it takes some seconds, and what does not end is a failure, not a hang. */
const limitSeconds = 60;

const production = await openRooms('none');

for (const world of worlds.slice(0, quickWorlds)) {
  test(`no rule is broken in any state of: ${world.name}`, () => {
    const { complete, broken, reached } = new Search(world, production).run({
      seconds: limitSeconds,
    });
    assert.deepEqual(broken, null);
    assert.ok(complete);
    // Else a world in which nothing happens would pass.
    assert.ok(reached.led === world.terms && reached.committed >= world.terms, 'nobody led');
    assert.ok(world.gates === 0 || reached.released > 0, 'nothing was released');
  });
}

for (const { name, breaks, world, seenAs } of plantedBugs) {
  test(`found: ${name}, against "${breaks}"`, async (context) => {
    const rooms = await openRooms(name);
    const { broken } = new Search(worldNamed(world), rooms, seenAs ?? null).run({
      seconds: limitSeconds,
    });
    assert.ok(broken !== null, 'this bug breaks a rule, and no state shows it');
    assert.ok(seenAs === undefined || broken.rule.startsWith(seenAs), broken.rule);
    context.diagnostic(broken.rule);
    for (const line of broken.way) context.diagnostic(line);
  });
}

test('an opened core, copied before each step, says what the closed one says that is never copied', () => {
  const closed = { core: closedCore, gate: signer, applyCommand };
  for (let seed = 1; seed <= 200; seed += 1) walkBoth(production, closed, seed);
});
