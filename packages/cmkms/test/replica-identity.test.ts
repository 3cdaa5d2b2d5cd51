/** A replica without a certificate draws its identity once, for all time. */
import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Checked } from '../src/check-home.js';
import { checkHome } from '../src/check-home.js';
import { loadSettings } from '../src/config/load.js';
import { homePaths } from '../src/home.js';
import { identityOf } from '../src/replica/identity.js';
import { check, goodWorld } from './checked-world.js';
import { around, CHAIN, scratch } from './scratch-homes.js';

async function insecure(t: TestContext): Promise<{ checked: Checked; path: string }> {
  const world = await goodWorld(await scratch(t));
  const paths = homePaths(world.home);
  for (const name of ['config.toml', 'genesis.json']) await rm(join(world.home, name));
  const flags = {
    home: world.home,
    id: 'a',
    peer: ['a=127.0.0.1:39430', 'b=127.0.0.1:39431'],
    insecureRaft: true,
    chainId: CHAIN,
    validatorAddr: ['tcp://127.0.0.1:26659'],
  };
  const checked = await checkHome(loadSettings(flags, around(world.directory)));
  return { checked, path: join(paths.priv, 'identity') };
}

test('drawn at the first start, kept at every later one, in a file of its owner alone', async (t) => {
  const { checked, path } = await insecure(t);
  const first = await identityOf(checked);
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(await readFile(path, 'utf8'), `${first}\n`);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(await identityOf(checked), first);
});

test('a damaged one is refused: another would be another replica under the same name', async (t) => {
  const { checked, path } = await insecure(t);
  await writeFile(path, 'half a li');
  await assert.rejects(identityOf(checked), { code: 'RECORD_DAMAGED' });
  assert.equal(await readFile(path, 'utf8'), 'half a li');
});

test('a home that joined goes by its record, and one with a certificate by that', async (t) => {
  const { checked, path } = await insecure(t);
  const replica = { clusterId: 'c-1', identity: 'ab'.repeat(32), name: 'a', joinedAt: '' };
  assert.equal(await identityOf({ ...checked, replica }), replica.identity);
  const world = await goodWorld(await scratch(t));
  const certified = await check(world, {});
  assert.equal(await identityOf(certified), certified.tls?.certificate.identity);
  await assert.rejects(stat(path), { code: 'ENOENT' });
});
