/**
 * `init` and `cluster init`: what they write, with which modes, and that `check` takes it.
 *
 * Owns    that nothing is overwritten, that no key is made, and that the authority's key leaves no trace in a home.
 */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readReplicaCertificate } from '@cometkms/consensus';
import { writeKeyFile } from '@cometkms/signer';
import { checkCommand } from '../src/cli/check.js';
import { clusterInitCommand } from '../src/cli/cluster-init.js';
import { initCommand } from '../src/cli/init.js';
import { readGenesisFile } from '../src/home-records.js';
import { CHAIN, cmkms, keyOf, makeFleet, scratch, terminal, VALIDATOR } from './scratch-homes.js';

async function modes(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await readdir(directory, { recursive: true })) {
    const { mode, uid } = await stat(join(directory, name));
    assert.equal(uid, process.getuid?.(), `${name} is ours`);
    found.push(`${(mode & 0o7777).toString(8)} ${name}`);
  }
  return found.sort();
}

test('cluster init writes whole homes, closed to others, and the authority apart', async (t) => {
  const directory = await scratch(t);
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  await makeFleet(directory, ['a', 'b']);
  const home = (name: string): readonly string[] => [
    `600 ${name}/config.toml`,
    `600 ${name}/genesis.json`,
    `600 ${name}/tls/ca.crt`,
    `600 ${name}/tls/replica.crt`,
    `600 ${name}/tls/replica.key`,
    `700 ${name}`,
    `700 ${name}/priv`,
    `700 ${name}/tls`,
  ];
  const authority = ['600 ca/ca.crt', '600 ca/ca.key', '700 ca'];
  assert.deepEqual(
    await modes(join(directory, 'fleet')),
    [...home('a'), ...home('b'), ...authority].sort(),
  );
  assert.deepEqual(await readdir(directory), ['fleet'], 'nothing half made is left beside it');
});

test('all homes share genesis and config.toml; each certificate is the one in the genesis', async (t) => {
  const homes = await makeFleet(await scratch(t));
  const texts = new Set<string>();
  for (const [name, home] of Object.entries(homes)) {
    const genesis = await readFile(join(home, 'genesis.json'), 'utf8');
    texts.add(genesis + (await readFile(join(home, 'config.toml'), 'utf8')));
    const said = readReplicaCertificate(await readFile(join(home, 'tls/replica.crt')));
    const read = await readGenesisFile(join(home, 'genesis.json'));
    const member = read?.members.find((candidate) => candidate.name === name);
    assert.deepEqual(
      [said.replicaName, said.clusterId, said.identity],
      [name, read?.clusterId, member?.identity],
    );
  }
  assert.equal(texts.size, 1);
});

test("no home holds the authority's key", async (t) => {
  const homes = await makeFleet(await scratch(t));
  const key = await readFile(join(homes['a'] ?? '', '..', 'ca', 'ca.key'), 'utf8');
  const secret = key.split('\n')[1] ?? '';
  assert.ok(secret.length > 40);
  for (const home of Object.values(homes)) {
    for (const name of await readdir(home, { recursive: true })) {
      const path = join(home, name);
      if ((await stat(path)).isDirectory()) continue;
      assert.ok(!(await readFile(path, 'utf8')).includes(secret), path);
    }
  }
});

test('what cluster init writes, check takes in silence once the key is there', async (t) => {
  const directory = await scratch(t);
  const homes = await makeFleet(directory);
  for (const home of Object.values(homes)) {
    const before = terminal(directory);
    await assert.rejects(checkCommand({ home }, before), { code: 'KEY_MISSING' });
    await writeKeyFile(join(home, 'priv', 'priv_validator_key.json'), keyOf(1));
    const after = terminal(directory);
    await checkCommand({ home }, after);
    assert.equal(after.printed.err, '');
    assert.match(after.printed.out, /\nok\n$/);
  }
});

test('what init --solo writes, check takes in silence once key and statement are there', async (t) => {
  const directory = await scratch(t);
  const home = join(directory, 'h');
  const flags = { home, solo: true, chainId: CHAIN, validatorAddr: [VALIDATOR], httpAddr: '' };
  await initCommand(flags, terminal(directory));
  assert.deepEqual(await modes(home), ['600 config.toml', '700 priv']);
  await assert.rejects(checkCommand({ home }, terminal(directory)), { code: 'KEY_MISSING' });
  await writeKeyFile(join(home, 'priv', 'priv_validator_key.json'), keyOf(1));
  await assert.rejects(checkCommand({ home }, terminal(directory)), { code: 'STATE_MISSING' });
  const said = terminal(directory);
  await checkCommand({ home, allowFreshState: [CHAIN] }, said);
  assert.deepEqual([said.printed.err, said.printed.out.endsWith('\nok\n')], ['', true]);
});

test('a second init refuses, and the first config stays as it was edited', async (t) => {
  const directory = await scratch(t);
  await initCommand({ home: directory }, terminal(directory));
  const path = join(directory, 'config.toml');
  await writeFile(path, '# edited\n');
  await assert.rejects(initCommand({ home: directory, solo: true }, terminal(directory)), {
    code: 'EXISTS',
    message: `${path} exists already, and nothing is ever overwritten.`,
  });
  assert.equal(await readFile(path, 'utf8'), '# edited\n');
});

test('plain init leads to what must be said before a start', async (t) => {
  const home = await scratch(t);
  const flags = { home, chainId: CHAIN, validatorAddr: [VALIDATOR] };
  await initCommand(flags, terminal(home));
  await assert.rejects(checkCommand({ home }, terminal(home)), { code: 'PEERS_EMPTY' });
});

const three = ['a=10.0.0.1:1', 'b=10.0.0.2:1', 'c=10.0.0.3:1'];
const refusals: readonly (readonly [why: string, flags: object, says: RegExp])[] = [
  ['one replica', { peer: three.slice(0, 1) }, /at least two replicas, 1 named/],
  ['no replica', {}, /at least two replicas, 0 named/],
  ['a replica named ca', { peer: ['ca=10.0.0.1:1', 'b=10.0.0.2:1'] }, /cannot be called ca/],
  ['a name that is a path', { peer: ['../a=h:1', 'b=h:2'] }, /no name for a replica/],
  ['one address for two', { peer: ['a=h:1', 'b=h:1'] }, /peer a=h:1 is also peer b=h:1/],
  ['one name for two', { peer: ['a=h:1', 'a=h:2'] }, /peer a=h:1 is also peer a=h:2/],
  ['a wrong validator', { peer: three, validatorAddr: ['http://h'] }, /scheme http:/],
];
for (const [why, flags, says] of refusals) {
  test(`cluster init with ${why} is refused, and writes nothing`, async (t) => {
    const directory = await scratch(t);
    const asked = clusterInitCommand({ out: 'fleet', ...flags }, terminal(directory));
    await assert.rejects(asked, says);
    assert.deepEqual(await readdir(directory), []);
  });
}

test('cluster init does not write into a directory that holds something', async (t) => {
  const directory = await scratch(t);
  await mkdir(join(directory, 'fleet', 'a'), { recursive: true });
  const asked = clusterInitCommand({ out: 'fleet', peer: three }, terminal(directory));
  await assert.rejects(asked, { code: 'EXISTS' });
  assert.deepEqual(await readdir(join(directory, 'fleet', 'a')), []);
});

test('an even number is warned about when it can still be changed', async (t) => {
  const directory = await scratch(t);
  const said = terminal(directory);
  await clusterInitCommand({ out: 'fleet', peer: three.slice(0, 2) }, said);
  assert.match(said.printed.err, /^warning NO_FAULT_TOLERANCE: 2 replicas tolerate no failure/);
});

test('the real program: cluster init, and again', async (t) => {
  const cwd = await scratch(t);
  const args = ['cluster', 'init', '--out', 'fleet', ...three.flatMap((peer) => ['--peer', peer])];
  const first = await cmkms(args, { cwd });
  assert.deepEqual([first.code, first.err], [0, '']);
  assert.match(first.out, /^cluster c-[0-9a-f]{16}\n {2}a {2}10\.0\.0\.1:1 {2}.*fleet\/a\n/);
  const second = await cmkms(args, { cwd });
  assert.equal(second.code, 2);
  assert.match(second.err, /^error EXISTS: .*fleet exists already.*\nfix: .*\n$/);
});
