/** The home of a witness: what `cluster init` and `cluster home` write, and what it may not hold. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { writeKeyFile } from '@cometkms/signer';
import { checkHome } from '../src/check-home.js';
import { checkCommand } from '../src/cli/check.js';
import { clusterInitCommand } from '../src/cli/cluster-init.js';
import type { Flags } from '../src/config/layers.js';
import { loadSettings } from '../src/config/load.js';
import { homePaths } from '../src/home.js';
import { readGenesisFile } from '../src/home-records.js';
import { openTarget } from '../src/import/target-home.js';
import { around, CHAIN, keyOf, scratch, terminal, VALIDATOR } from './scratch-homes.js';

async function fleet(t: TestContext, flags: object = {}) {
  const directory = await scratch(t);
  const said = terminal(directory);
  await clusterInitCommand(
    {
      out: 'fleet',
      peer: ['a=127.0.0.1:39430', 'b=127.0.0.1:39431'],
      witness: ['w=127.0.0.1:39432'],
      chainId: CHAIN,
      validatorAddr: [VALIDATOR],
      httpAddr: '127.0.0.1:0',
      ...flags,
    },
    said,
  );
  const home = (name: string): string => join(directory, 'fleet', name);
  const check = (name: string, more: Flags = {}) =>
    checkHome(loadSettings({ home: home(name), ...more }, around(directory)));
  return { directory, said, home, check };
}

test('cluster init --witness: one genesis for all, a chain and a key in none of its own', async (t) => {
  const { directory, said, home, check } = await fleet(t);
  const genesis = await readGenesisFile(join(home('w'), 'genesis.json'));
  assert.deepEqual(
    genesis?.members.map(({ name, witness }) => [name, witness]),
    [
      ['a', false],
      ['b', false],
      ['w', true],
    ],
  );
  assert.equal(said.printed.err, '', 'two and a witness bear the loss of one');
  assert.match(said.printed.out, /\/w {2}\(witness: no key goes there\)\n/);
  assert.doesNotMatch(said.printed.out, /--home \S+\/w\b/, 'no import goes there');
  const config = (name: string) => readFile(join(home(name), 'config.toml'), 'utf8');
  assert.match(await config('a'), /^chain_id = "test-1"$/m);
  assert.doesNotMatch(await config('w'), /^(chain_id|validator_addr) =/m);
  const checked = await check('w');
  assert.deepEqual([checked.witness, checked.chains], [true, []]);
  assert.deepEqual(
    checked.members.map(({ name, witness }) => [name, witness]),
    [
      ['a', false],
      ['b', false],
      ['w', true],
    ],
  );
  const shown = terminal(directory);
  await checkCommand({ home: home('w') }, shown);
  assert.match(shown.printed.out, /^replica {2}w, a witness, of a, b, w; cluster /m);
  // The others hold the key.
  await assert.rejects(check('a'), { code: 'KEY_MISSING' });
});

test('a chain in it is refused, from the file, a flag or the environment', async (t) => {
  const { directory, home, check } = await fleet(t);
  const chain = { chainId: CHAIN, validatorAddr: [VALIDATOR] };
  await assert.rejects(check('w', chain), { code: 'WITNESS_CHAIN', exitCode: 2 });
  const env = { COMETKMS_CHAIN_ID: CHAIN, COMETKMS_VALIDATOR_ADDR: VALIDATOR };
  const settings = loadSettings({ home: home('w') }, around(directory, env));
  await assert.rejects(checkHome(settings), { code: 'WITNESS_CHAIN' });
});

test('a key in it is refused, under whatever name', async (t) => {
  const { home, check } = await fleet(t);
  const place = join(home('w'), 'priv', 'old');
  await mkdir(place);
  await writeFile(join(place, 'notes.txt'), 'nothing');
  await check('w');
  await writeKeyFile(join(place, 'backup.bin'), keyOf(1));
  await assert.rejects(check('w'), {
    code: 'WITNESS_KEY',
    exitCode: 3,
    message: `${place}/backup.bin is a consensus key, and this is the home of a witness: it holds none.`,
  });
});

test('an import does not bring one there', async (t) => {
  const { home } = await fleet(t);
  await assert.rejects(openTarget(home('w'), CHAIN), { code: 'WITNESS_HOME' });
  assert.equal((await openTarget(home('a'), CHAIN)).home, home('a'));
  assert.equal(homePaths(home('w')).join, join(home('w'), 'join.json'));
});

test('witnesses alone, and one key holder among them', async (t) => {
  const witness = ['u=127.0.0.1:1', 'v=127.0.0.1:2', 'w=127.0.0.1:3'];
  await assert.rejects(fleet(t, { peer: [], witness }), /witnesses alone hold no key/);
  const two = witness.slice(1);
  const { said } = await fleet(t, { peer: ['a=127.0.0.1:9'], witness: two });
  assert.match(said.printed.err, /^warning NO_FAULT_TOLERANCE: one replica alone holds the key/);
  const twice = { peer: ['a=h:1', 'b=h:2'], witness: ['b=h:3'] };
  await assert.rejects(fleet(t, twice), /peer b=h:2 is also peer b=h:3|peer b=h:3 is also/);
  await assert.rejects(fleet(t, { witness: ['w'] }), /^CmkmsError: --witness: witness: "w" is not/);
});
