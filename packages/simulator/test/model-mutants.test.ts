/** The mutants keep up with the specification: each rule that they break still stands there, once. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mutants, mutate } from '../src/model/mutants.js';
import { modelDirectory } from '../src/model/quint.js';

const specification = readFileSync(join(modelDirectory, 'signing.qnt'), 'utf8');

for (const mutant of mutants) {
  test(`${mutant.breaks}: ${mutant.name}`, () => {
    assert.notEqual(mutate(specification, mutant), specification);
    assert.match(specification, new RegExp(`^  val ${mutant.breaks} =`, 'm'));
  });
}

test('a rule that is gone, or stands twice, is said', () => {
  const [mutant] = mutants;
  assert.ok(mutant !== undefined);
  assert.throws(() => mutate('', mutant), /0 times/);
  assert.throws(() => mutate(specification + specification, mutant), /2 times/);
});
